"""One table a tab of the page, under the names of `kantai.ui.tabs`."""

from kantai.strings.tabs import compare, fill_mask, model, pretrain, text, tokenizer

TABS = (text, tokenizer, model, pretrain, fill_mask, compare)
