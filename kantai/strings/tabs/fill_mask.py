"""Sentences of the tab Fill-mask: key -> (English, 中文)."""

TEXTS: dict[str, tuple[str, str]] = {
    "fill_lead": (
        "Hide a word, and the model says what could stand there.",
        "遮住一个词，让模型说说那里可能是什么。",
    ),
    "fill_rest": (
        "It answers from nothing but your text; beside it stand simple counting and the same "
        "model before its first step.",
        "它的回答只来自你的文本；旁边是单纯统计的结果，以及同一模型训练之前的样子。",
    ),
    "fill_sentence": (
        "A sentence; write <mask> where a word is hidden",
        "句子，用 <mask> 表示遮住的词",
    ),
    "fill_loading": (
        "Reading the model and counting the text …",
        "正在读取模型并统计文本……",
    ),
    "fill_click": (
        "Click a word of the sentence to hide it.",
        "点击句子里的一个词，把它遮住。",
    ),
    "hide_word": ("Hide this word", "遮住这个词"),
    "fill_none": ("No trained model yet", "还没有训练好的模型"),
    "fill_none_hint": (
        "Train one in the Pretrain tab; a minute is enough to begin with.",
        "先到“预训练”页训练一个，一分钟就能起步。",
    ),
    "fill_examples": ("Sentences to try", "可以试的句子"),
    "gap_only": ("What could stand there", "那里可能是什么"),
    "gap_number": ("Gap {number}", "第 {number} 处"),
    "guesser_model": ("Your model", "你的模型"),
    "guesser_model_hint": ("after training", "训练之后"),
    "guesser_ngram": ("Counting neighbours", "统计相邻词"),
    "guesser_ngram_hint": ("two words on each side", "左右各两个词"),
    "guesser_blank": ("The same model", "同一模型"),
    "guesser_blank_hint": ("before its first step", "训练之前"),
    "guesses_blindly": (
        "It draws lots: about 1 in {count} for each of its {count} tokens. Its first guess:",
        "它在抽签：{count} 个词元，每个的机会约为 1/{count}。它的第一个猜测：",
    ),
    "one_in": ("1 in {count}", "1/{count}"),
}
