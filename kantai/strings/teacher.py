"""Sentences of the class: all runs, the machine, links to share: key -> (English, 中文)."""

TEXTS: dict[str, tuple[str, str]] = {
    "tab_teacher": ("Class", "课堂"),
    "note_teacher": ("everybody's runs", "所有人的训练"),
    "teacher_lead": (
        "Everybody's runs, in the order in which they get the machine.",
        "所有人的训练，按使用机器的先后排列。",
    ),
    "teacher_rest": (
        "Let the class watch your run live; whoever watches it can make it their own and change "
        "one thing.",
        "让全班实时观看你的训练；观看的人可以复制成自己的，再改动一处。",
    ),
    # --- the list
    "teacher_runs": ("Runs and queue", "训练与队列"),
    "teacher_count": (
        "{training} training, {waiting} waiting, {others} more",
        "{training} 个训练中，{waiting} 个排队，另有 {others} 个",
    ),
    "teacher_none": ("Nobody has started a run yet.", "还没有人开始训练。"),
    "teacher_name": ("name", "名称"),
    "teacher_owner": ("whose", "归属"),
    "teacher_mine": ("mine", "我的"),
    "teacher_other": ("somebody else's", "他人"),
    "teacher_hidden": ("somebody else's run", "他人的训练"),
    "teacher_state": ("state", "状态"),
    "teacher_progress": ("progress", "进度"),
    "teacher_loss": ("loss", "损失"),
    "teacher_key": ("Teacher's key", "教师密钥"),
    "teacher_key_info": (
        "With the key set by whoever started this page, you see what everybody called their "
        "runs and can open each.",
        "输入启动本页面者设定的密钥后，会显示所有训练的名称，并可逐一打开。",
    ),
    "teacher_key_wrong": (
        "That is not the teacher's key: it is what KANTAI_TEACHER held when this page was started.",
        "教师密钥不正确：它是启动本页面时 KANTAI_TEACHER 的值。",
    ),
    # --- the machine
    "teacher_machine": ("This machine now", "本机现状"),
    "teacher_cpu": ("busy cores", "CPU 占用"),
    "teacher_percent_of": ("% of {total}", "%（共 {total}）"),
    "teacher_memory": ("memory", "内存"),
    "teacher_disk": ("disk free", "可用磁盘"),
    "teacher_gpu_busy": ("busy, {name}", "{name} 占用"),
    "teacher_gpu_memory": ("memory, {name}", "{name} 显存"),
    "teacher_limits": ("What is allowed here", "这里的限制"),
    "teacher_no_limits": ("There are no limits here.", "这里没有限制。"),
    # --- links
    "teacher_watch": ("Watch this run live", "实时观看这次训练"),
    "teacher_watch_none": (
        "Open or start a run first: its link and a QR code for phones then stand here.",
        "请先打开或开始一次训练：这里会显示它的链接和二维码。",
    ),
    "teacher_watch_hint": (
        "Whoever has this link may watch the run, and make a copy of it their own; only its "
        "owner may stop, change or delete it.",
        "有此链接的人都可以观看，并复制成自己的训练；只有创建者能停止、更改或删除它。",
    ),
    "teacher_only_here": (
        "This address works on this machine alone: start the page with "
        "GRADIO_SERVER_NAME=0.0.0.0 and open it by the machine's own address in the network.",
        "这个地址只在本机有效：请用 GRADIO_SERVER_NAME=0.0.0.0 启动页面，"
        "再用本机的网络地址打开它。",
    ),
    "teacher_qr": ("The link as a QR code", "链接的二维码"),
    "teacher_setting": ("Share the setting", "分享设置"),
    "teacher_setting_hint": (
        "This link begins a new run with the same sample, vocabulary, model, recipe and "
        "budget. A text of your own does not travel with it: for that, let others watch the "
        "run and copy it.",
        "打开此链接会新建一次训练，示例、词表、模型、配方和预算都相同。你自己的文本不会随链接传"
        "递：请让对方观看并复制这次训练。",
    ),
    "setting_wrong": (
        "The link asks for {name} = {asked}, which cannot be: ask for a new link.",
        "链接中的 {name} = {asked} 无效：请索取新的链接。",
    ),
    # --- fork
    "fork_watching": ("You are watching somebody else's run.", "你正在观看别人的训练。"),
    "fork_make_mine": ("Make it mine", "复制成我的"),
    "fork_to_change": (
        "This run is somebody else's: to change something, make it yours.",
        "这是别人的训练：想改动，请先复制成自己的。",
    ),
    "fork_hint": (
        "The same text, vocabulary and settings, as a run of your own to change.",
        "文本、词表和设置都相同，成为你自己的训练，可以改动。",
    ),
}
