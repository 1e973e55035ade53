"""Sentences about runs, their owners, the queue and the worker: key -> (English, 中文)."""

TEXTS: dict[str, tuple[str, str]] = {
    # --- runs and owners
    "unknown_run": (
        "There is no run at this address: check the link, or start a new run.",
        "这个地址没有对应的训练：请检查链接，或新建一次训练。",
    ),
    "not_owner": (
        "Only the browser that began this run may change it: begin a run of your own.",
        "只有创建这次训练的浏览器才能更改它：请新建自己的训练。",
    ),
    "owner_needed": (
        "A run needs its owner's secret: reload the page, or ask /new_owner for one.",
        "训练需要所有者的密钥：请刷新页面，或通过 /new_owner 获取。",
    ),
    "run_name_empty": (
        "A run needs a name: write at least one letter.",
        "训练需要一个名称：请至少输入一个字符。",
    ),
    "run_is_training": (
        "This run is training: stop it first, then delete it.",
        "这次训练正在进行：请先停止，再删除。",
    ),
    "run_begun": (
        "This run has begun meanwhile, in another tab perhaps, and nothing was changed in it: "
        "press the button again for a new run beside it.",
        "这次训练刚刚已经开始（可能在另一个标签页中），没有作任何更改：再按一次按钮即可另建一次训练。",
    ),
    # --- the queue
    "run_without_text": (
        "This run has no text to learn from yet: add a text first.",
        "这次训练还没有文本：请先添加文本。",
    ),
    "queue_full": (
        "{most} runs are waiting already: try again in a few minutes.",
        "已有 {most} 次训练在排队：请过几分钟再试。",
    ),
    "queue_busy": (
        "The queue did not answer: press the button again.",
        "队列暂时没有响应：请再按一次按钮。",
    ),
    # --- limits: as one meets them
    "unknown_limits": (
        "KANTAI_LIMITS is {asked}, which is no row of limits: choose one of {known}.",
        "KANTAI_LIMITS 的值为 {asked}，没有这一组限制：请从 {known} 中选择。",
    ),
    "upload_over_limit": (
        "The files of a text may have {most} together here: choose fewer, or a part of them.",
        "这里一份文本的所有文件合计最大 {most}：请减少文件，或只用其中一部分。",
    ),
    "text_over_limit": (
        "A text may have {most} characters here: choose fewer files, or a part of them.",
        "这里一份文本最多 {most} 个字符：请减少文件，或只用其中一部分。",
    ),
    "run_over_limit": (
        "A run may train for {most} seconds here, resumed or not: choose a shorter time.",
        "这里一次训练（含继续训练）最长 {most} 秒：请选择更短的时间。",
    ),
    "run_time_spent": (
        "This run has trained for its {most} seconds: its model is kept; begin a new run to go on.",
        "这次训练已用完 {most} 秒：模型已保留；如需继续，请新建训练。",
    ),
    "runs_over_limit": (
        "You may keep {most} runs here: delete one that you no longer need, then try again.",
        "这里每人最多保留 {most} 次训练：请删除不再需要的一次，然后重试。",
    ),
    "disk_over_limit": (
        "All runs together have filled their {most}, and none may be removed for you: delete one "
        "of yours, or try again later.",
        "所有训练已占满 {most}，目前没有可以自动删除的：请删除自己的一次训练，或稍后再试。",
    ),
    "too_many_requests": (
        "More than {most} requests came from your address in a minute: wait a minute.",
        "你的地址一分钟内的请求超过 {most} 次：请等待一分钟。",
    ),
    "other_host": (
        "This page does not answer to that host name: open it by the address you were given.",
        "此页面不接受这个主机名：请用提供给你的地址打开。",
    ),
    "password_asked": (
        "Any user name, and the password that you were given.",
        "用户名可任意填写，密码请使用提供给你的密码。",
    ),
    # --- limits: told beforehand
    "limit_upload_bytes": (
        "The files of a text may have {most} together.",
        "一份文本的所有文件合计最大 {most}。",
    ),
    "limit_text_characters": (
        "A text may have {most} characters.",
        "一份文本最多 {most} 个字符。",
    ),
    "limit_run_seconds": (
        "A run trains for {most} seconds at most; then it stops and keeps its model.",
        "一次训练最长 {most} 秒，到时停止并保留模型。",
    ),
    "limit_runs_each": ("Everybody may keep {most} runs.", "每人最多保留 {most} 次训练。"),
    "limit_waiting": ("{most} runs may wait in the queue.", "队列中最多 {most} 次训练。"),
    "limit_disk_bytes": (
        "All runs together may take {most}; then the oldest go first, but never one that trains "
        "or waits, nor the newest of anybody who is still at it: download what you want to keep.",
        "所有训练合计最多占用 {most}；超出时先删除最早的，但不会删除正在训练或排队的，"
        "也不会删除仍在使用者最新的一次：请下载想保留的内容。",
    ),
    "limit_idle_days": (
        "Whoever did nothing for {most} days may lose the newest run too, where room is needed "
        "and nothing else may go.",
        "如果需要空间且没有其他内容可删，连续 {most} 天没有操作的人，最新的一次训练也可能被删除。",
    ),
    "limit_requests_minute": (
        "An address may send {most} requests a minute.",
        "每个地址每分钟最多 {most} 次请求。",
    ),
    "download_model": ("Download the model (zip)", "下载模型（zip）"),
    "disk_forgets": (
        "This server forgets its disk when it restarts: download your model as soon as it is "
        "trained.",
        "此服务器重启后磁盘内容会丢失：模型训练完成后请立即下载。",
    ),
    # --- a worker that ended badly
    "worker_not_started": (
        "The training could not be started ({reason}): close other programs and try again.",
        "无法启动训练（{reason}）：请关闭其他程序后重试。",
    ),
    "worker_killed": (
        "The training was killed from outside (signal {signal}), most often because memory ran "
        "out: resume it from its last checkpoint, or choose a smaller model or batch.",
        "训练被外部终止（信号 {signal}），最常见的原因是内存不足："
        "请从最近的检查点继续，或选择更小的模型或批大小。",
    ),
    "worker_crashed": (
        "The training process ended unexpectedly (status {status}): resume it from its last "
        "checkpoint; if it ends again, choose a smaller model.",
        "训练进程意外结束（状态 {status}）：请从最近的检查点继续；如果再次结束，请选择更小的模型。",
    ),
    "worker_vanished": (
        "The training process is gone: it was killed, memory ran out, or the machine was "
        "restarted. Resume it from its last checkpoint, or choose a smaller model.",
        "训练进程已不存在：可能被终止、内存不足，或机器重启过。"
        "请从最近的检查点继续，或选择更小的模型。",
    ),
    "worker_hung": (
        "The training did not react to Stop and was ended: what it learned up to its last "
        "checkpoint is kept, resume it from there.",
        "训练没有响应停止请求，已被强制结束：最近检查点之前学到的内容仍然保留，可从那里继续。",
    ),
    "gpu_refused": (
        "No GPU was lent for the training ({reason}): what it learned is kept; press “Go on” "
        "when there are minutes again, or choose a smaller budget.",
        "没有借到训练用的 GPU（{reason}）：已学到的内容会保留；等配额恢复后按“继续训练”，或选择"
        "更小的预算。",
    ),
    "gpu_silent": (
        "The GPU that was lent no longer answers: what was learned up to the last checkpoint "
        "is kept; press “Go on”.",
        "借来的 GPU 没有再响应：最近检查点之前学到的内容仍然保留；请按“继续训练”。",
    ),
    "gpu_without_visitor": (
        "The server was restarted while this run waited for a GPU: press “Go on” or “Start "
        "training” again.",
        "排队等待 GPU 期间服务器重启了：请再按一次“继续训练”或“开始训练”。",
    ),
    "worker_broke": (
        "The training met an error that nobody foresaw ({reason}): resume it, or begin a new "
        "run with a smaller model; the details stand in its log.txt.",
        "训练遇到了意料之外的错误（{reason}）：请尝试继续，或用更小的模型新建训练；"
        "详情见 log.txt。",
    ),
    # --- what a worker is doing, besides the stages of strings/training.py
    "doing_gpu": ("asking for a GPU", "正在申请 GPU"),
    "doing_begin": ("starting the training process", "启动训练进程"),
    "doing_stop": ("stopping and keeping the weights", "正在停止并保存权重"),
}
