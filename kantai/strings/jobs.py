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
    "run_name_empty": (
        "A run needs a name: write at least one letter.",
        "训练需要一个名称：请至少输入一个字符。",
    ),
    "run_is_training": (
        "This run is training: stop it first, then delete it.",
        "这次训练正在进行：请先停止，再删除。",
    ),
    # --- the queue
    "run_without_text": (
        "This run has no text to learn from yet: add a text first.",
        "这次训练还没有文本：请先添加文本。",
    ),
    "queue_full": (
        "{waiting} runs are waiting already: try again in a few minutes.",
        "已有 {waiting} 次训练在排队：请过几分钟再试。",
    ),
    "queue_busy": (
        "The queue did not answer: press the button again.",
        "队列暂时没有响应：请再按一次按钮。",
    ),
    # --- a worker that ended badly
    "worker_not_started": (
        "The training could not be started ({reason}): close other programs and press Start again.",
        "无法启动训练（{reason}）：请关闭其他程序后再按“开始”。",
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
    "worker_broke": (
        "The training met an error that nobody foresaw ({reason}): resume it, or begin a new "
        "run with a smaller model; the details stand in its log.txt.",
        "训练遇到了意料之外的错误（{reason}）：请尝试继续，或用更小的模型新建训练；"
        "详情见 log.txt。",
    ),
    # --- what a worker is doing, besides the stages of strings/training.py
    "doing_begin": ("starting the training process", "启动训练进程"),
    "doing_stop": ("stopping and keeping the weights", "正在停止并保存权重"),
}
