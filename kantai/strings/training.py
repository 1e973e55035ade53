"""Sentences about tokenizer, model, training and fill-mask: key -> (English, 中文)."""

TEXTS: dict[str, tuple[str, str]] = {
    "command_line": (
        "That cannot be asked: {message} (see {program} --help).",
        "命令行有误：{message}（参见 {program} --help）。",
    ),
    # --- files and folders
    "disk_full": (
        "The disk that holds {place} is full: free some space and run it again.",
        "{place} 所在的磁盘已满：请腾出空间后再运行。",
    ),
    "not_writable": (
        "Nothing can be written to {place}: choose a folder that you may write to.",
        "无法写入 {place}：请选择有写入权限的文件夹。",
    ),
    "memory_missing": (
        "This model needs {need} to train and the device has {there}: choose a smaller preset or "
        "vocabulary.",
        "训练这个模型需要 {need}，而设备只有 {there}：请选择更小的预设或词表。",
    ),
    "not_readable": (
        "{place} cannot be read: choose a folder that you may read, or ask its owner.",
        "无法读取 {place}：请选择有读取权限的文件夹，或联系其所有者。",
    ),
    "not_a_folder": (
        "{place} is not a folder: choose another name for the run.",
        "{place} 不是文件夹：请为这次训练换一个名称。",
    ),
    "folder_gone": (
        "The folder {place} is not there, or was deleted meanwhile: check it, or begin a new run.",
        "文件夹 {place} 不存在，或刚刚被删除：请检查路径，或新建训练。",
    ),
    "no_run": (
        "{folder} holds no run: train one there first, or check the path.",
        "{folder} 里没有训练记录：请先在那里训练，或检查路径。",
    ),
    "broken_run": (
        "{folder} holds a run whose {file} cannot be read: begin a new run.",
        "{folder} 中的训练记录损坏（无法读取 {file}）：请另起一次训练。",
    ),
    "run_exists": (
        "{folder} already holds a run: add --resume to go on with it, or name another folder.",
        "{folder} 里已有训练记录：加上 --resume 继续，或换一个文件夹。",
    ),
    "resume_differs": (
        "{folder} was begun with {name} {there}: leave that as it was, or train into another "
        "folder.",
        "{folder} 开始时的 {name} 是 {there}：请保持不变，或训练到另一个文件夹。",
    ),
    "trained_elsewhere": (
        "{folder} is training in another process: stop that one first, or wait until it ends.",
        "{folder} 正在另一个进程中训练：请先停止它，或等它结束。",
    ),
    "seed_range": (
        "A seed of {asked} is not possible: choose a whole number from 0 to below 2^63.",
        "随机种子不能是 {asked}：请选择从 0 到小于 2^63 的整数。",
    ),
    "name_a_folder": ("name a folder", "请写出文件夹的名称"),
    "number_above": ("choose a number above {least}", "请选择大于 {least} 的数"),
    "number_from": ("choose a number from {least} up", "请选择不小于 {least} 的数"),
    "no_model": (
        "{folder} holds no trained model: train one first, or name a folder that "
        "from_pretrained loads.",
        "{folder} 里没有训练好的模型：请先训练，或指定一个 from_pretrained 能读取的文件夹。",
    ),
    "broken_model": (
        "The model in {folder} cannot be read: its files are damaged or incomplete.",
        "无法读取 {folder} 中的模型：文件已损坏或不完整。",
    ),
    # --- tokenizer
    "vocab_size_range": (
        "A vocabulary of {asked:,} tokens is not possible: choose {least} "
        "(256 bytes and 5 special tokens) to {most:,}.",
        "词表大小不能是 {asked:,}：请选择 {least}（256 个字节加 5 个特殊词元）到 {most:,}。",
    ),
    "min_frequency_range": (
        "A minimum frequency of {asked} is not possible: choose 1 or more.",
        "相邻对的最低出现次数不能是 {asked}：请选择 1 或更大的数。",
    ),
    "no_tokenizer": (
        "{folder} holds no tokenizer (tokenizer.json): train one first.",
        "{folder} 里没有分词器（tokenizer.json）：请先训练分词器。",
    ),
    "broken_tokenizer": (
        "The tokenizer in {folder} cannot be read: train it again.",
        "无法读取 {folder} 中的分词器：请重新训练。",
    ),
    "foreign_tokenizer": (
        "The tokenizer in {folder} has no mask, or is not of the fast kind (tokenizer.json): "
        "its model cannot be examined.",
        "{folder} 中的分词器没有掩码词元，或不是快速分词器（tokenizer.json）：无法检验这个模型。",
    ),
    # --- model
    "unknown_architecture": (
        "There is no architecture {asked}: choose one of {known}.",
        "没有名为 {asked} 的架构：请从 {known} 中选择。",
    ),
    "unknown_preset": (
        "There is no preset {asked}: choose one of {known}.",
        "没有名为 {asked} 的预设：请从 {known} 中选择。",
    ),
    "unknown_recipe": (
        "There is no recipe {asked}: choose one of {known}.",
        "没有名为 {asked} 的配方：请从 {known} 中选择。",
    ),
    "size_positive": (
        "Every size of a model is 1 or more: raise the ones that are not.",
        "模型的每个尺寸都至少为 1：请调大不足的项。",
    ),
    "heads_divide": (
        "{heads} heads do not divide a hidden size of {hidden}: choose a hidden size that is a "
        "multiple of {heads}.",
        "{heads} 个注意力头无法整除隐藏维度 {hidden}：请选择 {heads} 的倍数作为隐藏维度。",
    ),
    "heads_even": (
        "Each head would get {size} numbers, and rotary positions need an even count: change "
        "the hidden size or the number of heads.",
        "每个注意力头将分到 {size} 维，而旋转位置编码需要偶数维：请调整隐藏维度或头数。",
    ),
    "dropout_range": (
        "A dropout of {asked} is not possible: choose 0 to below 1.",
        "dropout 不能是 {asked}：请选择 0 到 1 之间（不含 1）的值。",
    ),
    "block_range": (
        "A block of {asked} tokens does not fit: this model reads 8 to {most} tokens at a time.",
        "块长 {asked} 个词元不可用：这个模型一次可读 8 到 {most} 个词元。",
    ),
    "first_block_divides": (
        "A first block of {first} tokens does not divide a block of {block}: choose a divisor.",
        "起始块长 {first} 无法整除块长 {block}：请选择一个约数。",
    ),
    "vocab_too_small": (
        "The model has {rows:,} embedding rows and the tokenizer {tokens:,} tokens: train a "
        "smaller vocabulary.",
        "模型的嵌入表只有 {rows:,} 行，而分词器有 {tokens:,} 个词元：请训练更小的词表。",
    ),
    "foreign_model": (
        "A model of class {name} cannot be used here: RoBERTa, RoBERTa-PreLayerNorm and "
        "ModernBERT for masked language modelling can.",
        "这里不能使用 {name} 类的模型：支持 RoBERTa、RoBERTa-PreLayerNorm 和 ModernBERT "
        "的掩码语言模型。",
    ),
    # --- training
    "mlm_probability_range": (
        "A masking share of {asked} is not possible: choose 0.01 to 0.9.",
        "掩码比例不能是 {asked}：请选择 0.01 到 0.9。",
    ),
    "replacement_range": (
        "The shares of random ({random}) and kept ({keep}) tokens must be 0 or more and "
        "together at most 1.",
        "随机替换（{random}）与保留（{keep}）的比例都不能为负，且总和不能超过 1。",
    ),
    "one_budget": (
        "Give one budget above 0: --seconds, --total-seconds, --max-steps or --epochs.",
        "请只给一个大于 0 的预算：--seconds、--total-seconds、--max-steps 或 --epochs。",
    ),
    "batch_range": (
        "A batch of {asked} rows is not possible: choose 1 to 65,536.",
        "批大小不能是 {asked}：请选择 1 到 65,536。",
    ),
    "learning_rate_range": (
        "A learning rate of {asked} is not possible: choose above 0 and at most 1.",
        "学习率不能是 {asked}：请选择大于 0 且不超过 1 的值。",
    ),
    "no_device": (
        "There is no {asked} device on this machine: choose {known}.",
        "这台机器没有 {asked} 设备：请选择 {known}。",
    ),
    "no_precision": (
        "{asked} is not possible on {device}: choose {known}.",
        "{device} 不支持 {asked}：请选择 {known}。",
    ),
    "not_recorded": (
        "This GPU's driver would not record the steps: they are taken one by one, more slowly.",
        "这块显卡的驱动无法录制训练步骤：改为逐步执行，会慢一些。",
    ),
    "out_of_memory_smaller": (
        "The device's memory ran out at step {step}: each batch is now worked through in "
        "{pieces} pieces of {rows} rows, and the training goes on.",
        "第 {step} 步时显存不足：现在每批分 {pieces} 份、每份 {rows} 行计算，训练继续。",
    ),
    "out_of_memory": (
        "The device's memory does not hold this model even one row at a time: choose a smaller "
        "preset, vocabulary or block, or end other programs that use the device, and start again.",
        "即使一次只算一行，设备内存也放不下这个模型：请选择更小的预设、词表或块长，"
        "或结束占用该设备的其他程序，然后重新开始。",
    ),
    "loss_not_finite": (
        "The loss was no longer a number at step {step}: the best weights, of step {best_step}, "
        "are kept. Train again with a smaller learning rate.",
        "第 {step} 步时损失不再是有效数字：已保留第 {best_step} 步的最佳权重。"
        "请用更小的学习率重新训练。",
    ),
    "stopped_early": (
        "Stopped at step {step}: on unseen text the loss has been rising, so going on would only "
        "learn the training text by heart. The weights of step {best_step} are kept.",
        "在第 {step} 步停止：未见文本上的损失在上升，继续只会死记训练文本。"
        "已保留第 {best_step} 步的权重。",
    ),
    "tokenizer_of_part": (
        "The text is so long that the tokenizer learned from an evenly spread part of it, "
        "{characters:,} characters.",
        "文本很长：分词器从中均匀抽取约 {characters:,} 个字符来学习。",
    ),
    "baselines_of_part": (
        "The text is so long that the baselines count an evenly spread part of it: {tokens:,} of "
        "{all:,} tokens.",
        "文本很长：基线只统计其中均匀抽取的一部分，即 {all:,} 个词元中的 {tokens:,} 个。",
    ),
    "read_enough": (
        "Ended after {epochs:,} epochs, before its time was up: a text of this length teaches "
        "no more, and reading on would only learn it by heart. More text would help.",
        "已读完 {epochs:,} 轮，提前结束：这么长的文本已学不到更多，再读只会死记硬背。"
        "增加文本会有帮助。",
    ),
    "checkpoint_foreign": (
        "The checkpoint belongs to a model of another shape: begin a new run.",
        "检查点属于另一种形状的模型：请另起一次训练。",
    ),
    "already_finished": (
        "This run has already finished: give it a larger budget to go on, or train a new run.",
        "这次训练已经完成：请给它更大的预算以继续，或开始新的训练。",
    ),
    "text_too_short_to_train": (
        "Only {tokens:,} tokens are left to learn from, and {least:,} are needed: add more text.",
        "可供学习的只有 {tokens:,} 个词元，至少需要 {least:,} 个：请添加更多文本。",
    ),
    "out_is_folder": (
        "{path} is a folder: name the file to write with --out.",
        "{path} 是文件夹：请用 --out 写出文件名。",
    ),
    "hub_needs_repo": (
        "Name the Hub's repository with --repo owner/name.",
        "请用 --repo 用户名/名称 指定 Hub 上的仓库。",
    ),
    "hub_refused": (
        "The Hub did not take {repo} ({reason}): check your login, the name and the network.",
        "Hub 没有接受 {repo}（{reason}）：请检查登录、名称和网络。",
    ),
    # --- fill-mask and evaluation
    "sentence_without_mask": (
        "The sentence holds no <mask>: put <mask>, [MASK] or ___ where a word is to be guessed.",
        "句子里没有 <mask>：请在要猜的位置写上 <mask>、[MASK] 或 ___。",
    ),
    "sentence_not_text": (
        "The sentence holds bytes that are no text: write it in UTF-8.",
        "句子里有不是文字的字节：请用 UTF-8 书写。",
    ),
    "sentence_too_long": (
        "The sentence has {tokens:,} tokens and the model reads {most:,}: shorten it.",
        "句子有 {tokens:,} 个词元，而模型最多读 {most:,} 个：请缩短句子。",
    ),
    "top_k_range": (
        "{asked} answers cannot be shown: ask for 1 to 100.",
        "不能显示 {asked} 个答案：请选择 1 到 100。",
    ),
    "bench_refused": (
        "The training that is measured was refused: {words}",
        "被测的训练无法进行：{words}",
    ),
    "bench_without_sentences": (
        "The text has too few sentences of {least} to {most} words to ask about.",
        "文本中 {least} 到 {most} 个词的句子太少，无法提问。",
    ),
    # --- progress, in the order they appear
    "doing_fetch": ("fetching the book", "下载书籍"),
    "doing_read": ("reading the text", "读取文本"),
    "doing_clean": ("cleaning the text", "清理文本"),
    "doing_tokenizer": ("learning the vocabulary", "学习词表"),
    "doing_pack": ("turning text into tokens", "把文本变成词元"),
    "doing_baselines": ("counting neighbouring words", "统计相邻词"),
    "doing_train": ("pretraining", "预训练"),
    "doing_evaluate": ("examining the model", "检验模型"),
    "doing_save": ("saving the model", "保存模型"),
    # The sample texts.
    "sample_harbour": (
        "The Tarnmouth Almanac: a harbour town and its trades",
        "《塔恩茅斯年鉴》：一座海港小镇和它的百工（英文）",
    ),
    "sample_willow": (
        "The Chronicle of Willow Bridge: a town of canals (Chinese)",
        "《柳桥镇年记》：一座水乡小镇",
    ),
    "sample_dirty": (
        "A Scanned Almanac: the same town, badly scanned",
        "《扫描坏了的年鉴》：同一座小镇，满是扫描的毛病（英文）",
    ),
    "unknown_sample": (
        "There is no sample text called {asked}: choose one of {known}.",
        "没有名为 {asked} 的示例文本：请从 {known} 中选择。",
    ),
}
