"""Sentences of the tab Tokenizer: key -> (English, 中文)."""

TEXTS: dict[str, tuple[str, str]] = {
    "tokenizer_lead": (
        "A model reads numbers, so the text is cut into tokens from a vocabulary.",
        "模型读的是数字，所以要把文本切成词表里的词元。",
    ),
    "tokenizer_rest": (
        "Starting from single bytes, the pair that occurs most often becomes one token, again and "
        "again, until the vocabulary is full.",
        "从单个字节开始，最常相邻的一对合成一个新词元，一次又一次，直到词表装满。",
    ),
    "first_sentence": ("The Critique of Pure Reason.", "《纯粹理性批判》。"),
    "vocab_size": ("Vocabulary size", "词表大小"),
    "vocab_suggested": (
        "Suggested for a text of this length: {size}.",
        "这个长度的文本建议：{size}。",
    ),
    "min_frequency": ("A pair must occur at least this often", "相邻对的最低出现次数"),
    "learn_vocabulary": ("Learn the vocabulary", "训练分词器"),
    "tokenizer_sample": (
        "The sample text will be used.",
        "将使用示例文本。",
    ),
    "tokenizer_none": ("No vocabulary yet", "还没有词表"),
    "tokenizer_none_hint": (
        "Press the button: a few megabytes take a few seconds.",
        "点击按钮：几 MB 的文本只需几秒。",
    ),
    "tokens_learned": ("tokens learned", "学到的词元"),
    "tokens_of_asked": ("of {asked}", "/ {asked}"),
    "bytes_a_token": ("bytes a token", "每个词元字节数"),
    "bytes_a_token_hint": (
        "How much of your own text one token stands for, on average: more means shorter rows",
        "在你的文本里，一个词元平均代表多少字节：越多，序列越短",
    ),
    "rows_unreachable": ("unused rows", "用不到的行"),
    "rows_unreachable_hint": (
        "Rows of the embedding that no text can ever use: tokens that stayed empty, <unk>, and "
        "the 13 bytes that UTF-8 never uses",
        "嵌入表里任何文本都用不到的行：空着的词元、<unk>，以及 UTF-8 从不使用的 13 个字节",
    ),
    "longest_token": ("longest token", "最长词元"),
    "bytes": ("bytes", "字节"),
    "vocab_not_filled": (
        "The text has no more pairs to learn: {empty} of the tokens asked for stay empty.",
        "文本里没有更多可学的组合：所要的词元中，有 {empty} 个空着。",
    ),
    "try_sentence": ("Try any sentence", "试试任意句子"),
    "sentence": ("Sentence", "句子"),
    "tokenizer_try_after": (
        "Once the vocabulary is learned, your sentence stands here in tokens.",
        "训练好分词器后，这里会显示句子的词元。",
    ),
    "tokens_of": (
        "{tokens} tokens for {characters} characters: the id below each, and where it stands.",
        "{characters} 个字符切成 {tokens} 个词元；下方是编号和所在位置。",
    ),
    "merges": ("What was merged, in order", "合并顺序"),
    "merges_shown": ("The first {shown} of {all}.", "共 {all} 次，这里是前 {shown} 次。"),
    "merges_csv": ("All of them as CSV ↓", "下载全部 CSV ↓"),
    "merge_rank": ("#", "#"),
    "merge_left": ("left", "左"),
    "merge_right": ("right", "右"),
    "merge_token": ("token", "词元"),
    "token_lengths": ("Token lengths", "词元长度"),
    "bytes_each": ("bytes a token", "每个词元字节数"),
}
