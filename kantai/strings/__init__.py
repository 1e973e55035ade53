"""Every sentence a person reads, by key, in English and Chinese.

One table an area, all merged here; a key stands in one table only. Knows no screen
and no command line: both ask `text(key, language, **values)`.
"""

from __future__ import annotations

from kantai.strings import asking, hub, jobs, live, page, reading, tabs, teacher, training

LANGUAGES = {"en": "English", "zh": "中文"}
AREAS = (reading, training, jobs, page, *tabs.TABS, live, teacher, asking, hub)
TABLES = tuple(area.TEXTS for area in AREAS)


def text(key: str, language: str = "en", **values: object) -> str:
    """The sentence `key` in `language`, its gaps filled by `values`.

    Raises KeyError for an unknown key: a missing sentence is a defect of ours.
    """
    for table in TABLES:
        if key in table:
            return table[key][list(LANGUAGES).index(language)].format(**values)
    raise KeyError(key)
