"""Sentences of the tab Pretrain: key -> (English, 中文)."""

TEXTS: dict[str, tuple[str, str]] = {
    "pretrain_lead": (
        "The model reads your text with some words hidden, and guesses them.",
        "模型读你的文本，其中一些词被遮住，由它来猜。",
    ),
    "pretrain_rest": (
        "Every guess nudges all weights a little towards the right answer. The curve tells how "
        "much the hidden words of pages it never trained on still surprise it.",
        "每猜一次，所有权重都会朝正确答案稍作调整。曲线表示：在从未训练过的页面上，被遮住的词还"
        "让它多“意外”。",
    ),
    "recipe": ("Recipe", "配方"),
    "recipe_playground": ("Playground", "训练场"),
    "recipe_notebook": ("Notebook 2020", "2020 年 notebook"),
    "budget": ("Budget", "预算"),
    "unit_seconds": ("Seconds", "秒"),
    "unit_max_steps": ("Steps", "步"),
    "unit_epochs": ("Epochs", "轮"),
    "budget_needed": (
        "Choose one budget above 0 and at most {most}: seconds, steps or epochs.",
        "请选择一个大于 0 且不超过 {most} 的预算：秒、步或轮。",
    ),
    "start": ("Start training", "开始训练"),
    "stop": ("Stop and keep the weights", "停止并保留权重"),
    "attention": ("Please look again", "请再看一下"),
    "leave": ("Leave the queue", "离开队列"),
    "start_again": ("Train a new run", "另起一次训练"),
    "model_in_use": ("This model will be trained.", "将训练这个模型。"),
    "model_was_used": ("This model was trained in this run.", "这次训练用的就是这个模型。"),
    "go_on": ("Go on", "继续训练"),
    "go_on_hint": (
        "Go on trains this model for the budget above once more.",
        "“继续训练”会按上面的预算再训练一轮。",
    ),
    "copy_link": ("Copy link for the class", "复制链接给全班"),
    "all_settings": ("All settings", "全部设置"),
    "batch_size": ("Rows a step (batch size)", "每步行数（batch size）"),
    "block_size": ("Tokens a row (block size)", "每行词元数（block size）"),
    "learning_rate": ("Learning rate", "学习率"),
    "mlm_probability": ("Share of tokens hidden", "遮住的词元比例"),
    "seed": ("Seed", "随机种子"),
    "plan_device": ("trains on", "训练设备"),
    "plan_batch": ("tokens a step", "每步词元"),
    "plan_memory": ("memory, about", "内存约"),
}
