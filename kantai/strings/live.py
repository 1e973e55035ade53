"""Sentences of the live instrument: its figures, curve and log: key -> (English, 中文)."""

TEXTS: dict[str, tuple[str, str]] = {
    # --- the live instrument
    "live_where": ("on unseen pages", "在没见过的页面上"),
    "live_where_finished": ("finished, on unseen pages", "已完成，在没见过的页面上"),
    "live_where_stopped": ("stopped, on unseen pages", "已停止，在没见过的页面上"),
    "live_queue": ("in the queue", "排队中"),
    "live_preparing": ("getting ready", "准备中"),
    "live_waiting": (
        "Place {place} in the queue: about {wait} until it begins.",
        "排在第 {place} 位，大约 {wait} 后开始。",
    ),
    "live_idle": ("Press “Start training” and watch it learn.", "点“开始训练”，看它学习。"),
    "live_loss": ("validation loss", "验证损失"),
    "live_loss_hint": (
        "How much a hidden token of text it never trained on surprises the model, in nats: "
        "lower is better.",
        "在没训练过的文本上，被遮住的词元让模型有多意外（单位：nat），越低越好。",
    ),
    "live_speed": ("tokens a second", "词元/秒"),
    "live_epoch": ("epoch", "轮次"),
    "live_left": ("left", "剩余"),
    "live_progress": ("Progress of the training", "训练进度"),
    "live_chart": ("Loss", "损失"),
    "live_training": ("training", "训练"),
    "live_validation": ("validation", "验证"),
    "live_references": ("what counting alone reaches", "仅靠统计能达到的水平"),
    "live_hint": (
        "The curve begins with the first step. Drag to zoom, double-click to see all of it again.",
        "第一步之后曲线就会出现。拖动可放大，双击恢复全貌。",
    ),
    "watch_title": ("Watch it learn", "看它学习"),
    "watch_hint": (
        "sentences it never trained on; darker: surer of the hidden word",
        "没训练过的句子；颜色越深，越确信被遮住的词",
    ),
    "live_uniform": ("blind guessing", "瞎猜"),
    "live_uniform_hint": (
        "Uniform: every token of the vocabulary equally likely",
        "均匀分布：词表中每个词元概率相同",
    ),
    "live_unigram": ("knows how frequent words are", "知道词的常见程度"),
    "live_unigram_hint": (
        "Unigram: how often each token occurs in the training text",
        "一元模型（unigram）：每个词元在训练文本中出现的频率",
    ),
    "live_bigram": ("knows the word before", "知道前一个词"),
    "live_bigram_hint": (
        "Bigram: what follows the token on the left",
        "二元模型（bigram）：左边词元之后通常是什么",
    ),
    "live_ngram": ("knows both neighbours", "知道左右相邻的词"),
    "live_ngram_hint": (
        "Two-sided n-gram: counts of two true tokens on each side of the gap",
        "双向 n-gram：统计空缺左右各两个真实词元",
    ),
    "live_gauge_speed": ("tokens a second", "词元/秒"),
    "live_gauge_rate": ("learning rate", "学习率"),
    "live_gauge_norm": ("gradient norm", "梯度范数"),
    "live_gauge_memory": ("memory in use", "占用内存"),
    "live_log": ("What happened", "训练日志"),
    "live_csv": ("All figures as CSV ↓", "全部数据 CSV ↓"),
    "live_lost": (
        "The server does not answer; trying again. The training is not affected.",
        "服务器没有响应，正在重试。训练不受影响。",
    ),
    "log_started": (
        "Training begins on {device} ({precision}): {parameters:,} parameters, "
        "{tokens_train:,} tokens to learn from, {tokens_validation:,} held out.",
        "在 {device}（{precision}）上开始训练：{parameters:,} 个参数，"
        "{tokens_train:,} 个词元用于学习，{tokens_validation:,} 个留作验证。",
    ),
    "log_ended": (
        "Ended after {seconds}; the weights of step {best_step} are kept, with a validation "
        "loss of {loss}.",
        "用时 {seconds}，训练结束；保留第 {best_step} 步的权重，验证损失 {loss}。",
    ),
    "live_worker_log": ("What the training process printed last", "训练进程最后的输出"),
    # --- a loss as a sentence
    "guess_now": ("It now guesses {how}.", "现在{how}。"),
    "guess_then": ("It guesses {how}.", "{how}。"),
    "guess_now_nothing": ("It is still guessing blindly.", "它还在瞎猜。"),
    "guess_then_nothing": (
        "It guesses hardly any hidden {what}: train it longer.",
        "它几乎猜不中被遮住的{what}：请多训练一会儿。",
    ),
    "guess_what_token": ("token", "词元"),
    "guess_what_word": ("word", "词"),
    "guess_exactly": ("one hidden {what} in {number:w}", "每遮住 {number} 个{what}，它能猜中 1 个"),
    "guess_nearly": (
        "nearly one hidden {what} in {number:w}",
        "每遮住 {number} 个{what}，它差不多能猜中 1 个",
    ),
    "guess_more": (
        "more than one hidden {what} in {number:w}",
        "每遮住 {number} 个{what}，它能猜中不止 1 个",
    ),
    "guess_two_thirds": ("two hidden {what}s in three", "每遮住 3 个{what}，它能猜中 2 个"),
    "guess_three_quarters": ("three hidden {what}s in four", "每遮住 4 个{what}，它能猜中 3 个"),
    "guess_four_fifths": ("four hidden {what}s in five", "每遮住 5 个{what}，它能猜中 4 个"),
    "guess_nine_tenths": ("nine hidden {what}s in ten", "每遮住 10 个{what}，它能猜中 9 个"),
    "guess_nineteen_twentieths": ("nearly every hidden {what}", "它几乎能猜中每个被遮住的{what}"),
}
