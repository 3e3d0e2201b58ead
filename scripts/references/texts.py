"""The texts that every family's reference ids are made of: nasty ones by hand, and random ones."""

import random

WORDS = "waiting sitting weather nothing".split()

TEXTS = [
    "", " ", "\t\r\n \u3000", "a", "A", "cat", "Cat.", "the cat", "  the   cat \n sat\t", "\na photo\n of a cat ",
    "I'm sorry, we'll have what they've had; don't, can't, it's, you'd, they're",
    "I'M SORRY, WE'LL HAVE WHAT THEY'VE HAD; DON'T", "'s 't 're 've 'm 'll 'd 'S '' ''s 'sit 'tis",
    "caf\u00e9", "cafe\u0301", "CAF\u00c9", "na\u00efve", "\u1e9b\u0323", "A\u030a \u212b \u00c5", "\u2126 \u03a9",
    "\u201cI said \u2018no\u2019,\u201d he said \u2014 twice\u2026", "``quoted'' -- dashes --- and_underscores",
    "&amp; &quot;html&quot; &#39;", "a &lt;b&gt; &amp;amp; &amp;lt; c", "fish &amp chips &notit; &copy2024 &nbsp;x&nbsp;",
    "&#x1F600; &#128512; &#0; &#x85; &#150; &#xD800; &#1114112; &#99999999999999999999; &#x110000", "&EACUTE; &Eacute; &eacute &SZLIG;",
    "<b>bold</b> &amp; &eacute;", "line &eacute;\n<b> &EACUTE;", "&unknown; &; &# &#x; &#x;g && & &a", "&CounterClockwiseContourIntegral;x",
    "&ThisNameIsMuchLongerThanAnyEntityOfThemAll; &ampersand &ltx", "&amp;#x201c;q&amp;#x201d;",
    "schön gru\u00df \u1e9e STRASSE", "\u0130stanbul \u0131 I i", "\u03a3\u0391\u03a3 \u03c2 \u039f\u0394\u039f\u03a3.", "ﬁre ﬂight ﬀ ﬃ ŉ Ǆ ĳ ﬅ",
    "ＬＯＵＤ　ＮＯＩＳＥ！ ﾊﾝｶｸ ｶﾞ", "½ ™ ² № ㎏ ①",
    "漫画家は猫が好き", "고양이", "\u1112\u1161\u11ab", "قطة تجلس", "ไม่มีแมว", "\u0915\u094d\u0937 \u0928\u093f",
    "😀", "👩‍👩‍👧‍👦 family", "🏳️‍🌈🇫🇷👍🏽", "☃️ snow", "a😀b", "\U0001f9d1\u200d\U0001f4bb",
    "1", "12345", "3.14 1,000 10% $5 #1 1st 2nd", "\u00bd \u00b2 \u2167 \u0968 \u4e09", "2024-01-31T12:00:00Z",
    "!!!???...", "!?!?", "a!b?c", "(a) [b] {c} <d>", "a/b\\c|d", "https://example.com/a?b=c&d=e", "@user #tag user@host",
    "\x00", "a\x00b", "\x01\x02\x1b[31mred\x1b[0m", "\x1b[\u0660m \x1b[;1 \x1b[x", "a\x1cb\x1db\x1eb\x1fb", "a\x0bb\x0cc", "\x7f",
    "a\u00a0b", "a\u2028b\u2029c", "a\u200bb", "\u200bb \u200b", "a\u200db", "\ufeffa", "a\u180eb", "\ufffd", "\uffff", "\U0010ffff",
    "\u0301", "a \u0301b", "a\u0345b .\u0345", "\u202eright to left", "\u00ad", "e\u0301\u0301\u0301",
    "<|startoftext|>", "<|endoftext|>", "the <|endoftext|> cat", "<|STARTOFTEXT|> cat", "a<|startoftext|>b <|pad|>",
    "<start_of_text>", "a <end_of_text> b", "!!<start_of_text>", "<START_OF_TEXT> A<end_of_text>B", "'ſ \u212a",
    "</s>", "a cat</s>", "a </s> b </s>", "</s></s> <unk> <pad> x", "<eos> a <bos> <pad>", "▁", "a▁b ▁ c", "<0x41> [x]",
    "schÃ¶n", "a\x85b", "\x80\x81\x9f", "</w> a</w>", "#version: 0.2", "Ġcat", "Ā ÿ Ń",
    "cat " * 61, "cat " * 62, "cat " * 63, "cat " * 64, "cat " * 75, "cat " * 76, "the cat sat on the mat " * 100,
    "waiting" * 100, "!" * 300, "1" * 100, "é" * 80, "x" * 73 + " y", " ".join(WORDS * 19), " ".join(WORDS * 125),
]  # fmt: skip


def random_texts(count, seed=0):
    """Strings of characters from everywhere, favouring those that tokenizers treat specially."""
    rng = random.Random(seed)
    special = "aAbB12 \t\n'.,!?\"-éÉ\u0301\u00a0’“” <|>/wst&;#_"
    assigned = [(0x20, 0x7E), (0x100, 0x2FF), (0x300, 0x5FF), (0x900, 0xDFF), (0x1E00, 0x20FF), (0x3000, 0x33FF),
                (0xFF01, 0xFFEF), (0x1F300, 0x1F6FF)]  # fmt: skip
    entities = ["&amp;", "&lt;", "&eacute;", "&#39;", "&#x201c;", "&nbsp;", "&AMP", "&Hacek;"]

    def piece():
        draw = rng.random()
        if draw < 0.6:
            return rng.choice(special)
        if draw < 0.65:
            return rng.choice(entities)
        return chr(rng.randint(*rng.choice(assigned)))

    return ["".join(piece() for _ in range(rng.randint(1, 24))) for _ in range(count)]
