"""Sentences that all tabs share: header, states, code, durations: key -> (English, 中文)."""

TEXTS: dict[str, tuple[str, str]] = {
    # --- in the server's own log
    "node_absent": (
        "Node does not start, the browser draws the page: {reason}",
        "Node 无法启动，页面由浏览器绘制：{reason}",
    ),
    "node_silent": (
        "Node does not answer, the browser draws the page.",
        "Node 没有应答，页面由浏览器绘制。",
    ),
    # --- header and tabs
    "playground": ("playground", "训练场"),
    "chip_none": ("no run yet", "还没有训练"),
    "chip_gone": ("this run is gone", "这次训练已不存在"),
    "run_demo": ("Run the whole demo", "演示全过程"),
    "language": ("Language", "语言"),
    "tab_text": ("Text", "文本"),
    "tab_tokenizer": ("Tokenizer", "分词器"),
    "tab_model": ("Model", "模型"),
    "tab_pretrain": ("Pretrain", "预训练"),
    "tab_fill_mask": ("Fill-mask", "完形填空"),
    "tab_compare": ("Runs", "训练记录"),
    "note_sample": ("a sample is ready", "示例已就绪"),
    "note_no_text": ("no text yet", "还没有文本"),
    "note_tokens": ("{count} tokens", "{count} 个词元"),
    "note_not_learned": ("not learned yet", "尚未训练"),
    "note_preset": ("{name}", "{name}"),
    "note_choose": ("choose a size", "选择大小"),
    "note_parameters": ("{count} parameters", "{count} 个参数"),
    "note_place": ("place {place} in the queue", "排队第 {place} 位"),
    "note_seconds": ("{done} s of {budget} s", "{done} 秒 / {budget} 秒"),
    "note_share": ("{share} done", "已完成 {share}"),
    "note_state_new": ("not started", "尚未开始"),
    "note_state_preparing": ("getting ready", "准备中"),
    "note_state_finished": ("finished", "已完成"),
    "note_state_stopped": ("stopped", "已停止"),
    "note_state_failed": ("failed", "失败"),
    "note_ready": ("ready to guess", "可以填空了"),
    "note_after_training": ("after training", "训练之后"),
    "note_compare": ("reopen, compare", "重新打开、比较"),
    "state_new": ("not started", "尚未开始"),
    "state_waiting": ("waiting", "排队中"),
    "state_preparing": ("getting ready", "准备中"),
    "state_training": ("training", "训练中"),
    "state_finished": ("finished", "已完成"),
    "state_stopped": ("stopped", "已停止"),
    "state_failed": ("failed", "失败"),
    "copy": ("Copy", "复制"),
    "copied": ("Copied", "已复制"),
    "csv": ("As CSV ↓", "下载 CSV ↓"),
    "device_cpu": ("CPU, {cores} cores", "CPU（{cores} 核）"),
    "search": ("Search", "搜索"),
    # --- the same in code
    "same_in_code": ("The same in code", "用代码实现"),
    "code_with_files": (
        "With the playground's own functions; put it beside your files. It writes train.jsonl.",
        "用本项目自己的函数；与你的文件放在一起运行，会写出 train.jsonl。",
    ),
    "code_text": (
        "With the tokenizers library alone; train.jsonl comes with the download, or from the "
        "Text tab's lines.",
        "只用 tokenizers 库；train.jsonl 在下载包里，也可用“文本”页的代码生成。",
    ),
    "code_after_tokenizer": (
        "With transformers alone.",
        "只用 transformers 库。",
    ),
    "code_after_model": (
        "Goes on after the lines of the Tokenizer and Model tabs, by this recipe's own optimizer, "
        "rates, schedule and share of hidden tokens. Left out: short rows at first, lines as "
        "examples, tokens that are swapped or kept instead of hidden, averaged and best weights, "
        "lower precision.",
        "接在“分词器”和“模型”两页的代码之后；优化器、学习率及其变化、遮住比例都与配方相同。"
        "省略了：起初的短序列、逐行样本、遮住时偶尔换词或保留原词、权重平均与最佳权重、低精度计算。",
    ),
    "code_with_model": (
        "With transformers alone, beside the folder `model` of the download.",
        "只用 transformers 库，与下载包里的 model 文件夹放在一起。",
    ),
    "code_after": (
        "Goes on after the lines of the Tokenizer and Model tabs, by this recipe's own optimizer, "
        "rates, schedule and share of hidden tokens. How many steps fit into the time is known "
        "once this run is trained. Left out: short rows at first, tokens that are swapped or kept "
        "instead of hidden, averaged and best weights, lower precision.",
        "接在“分词器”和“模型”两页的代码之后；优化器、学习率及其变化、遮住比例都与配方相同。"
        "这段时间里能走多少步，训练完成后才知道。"
        "省略了：起初的短序列、遮住时偶尔换词或保留原词、权重平均与最佳权重、低精度计算。",
    ),
    # --- durations
    "duration_seconds": ("{count} s", "{count} 秒"),
    "duration_minutes": ("{count} min", "{count} 分钟"),
    "duration_hours": ("{count} h", "{count} 小时"),
    "unit_s": ("s", "秒"),
    "unit_min": ("min", "分"),
}
