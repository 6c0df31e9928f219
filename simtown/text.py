"""Text from a seeded vocabulary: prose, source files, logs. Lengths are characters."""

from itertools import accumulate
from pathlib import Path

import yaml

from simtown.dice import Dice

_WORDS: dict[str, list[str]] = {
    name: words.split() for name, words in yaml.safe_load(Path(__file__).with_name("words.yaml").read_text("utf-8")).items()
}
_COMMON, _NOUNS, _VERBS = _WORDS["common"], _WORDS["nouns"], _WORDS["verbs"]
_QUALITIES, _SYLLABLES = _WORDS["qualities"], _WORDS["syllables"]


def _zipf(count: int) -> list[float]:
    return list(accumulate(1.0 / (rank + 3) for rank in range(count)))


class Text:
    """A voice: its own identifiers over the common vocabulary, all from one seed."""

    def __init__(self, seed: str) -> None:
        dice = Dice(f"text/{seed}")
        self.identifiers = sorted({self._identifier(dice) for _ in range(420)})
        dice.shuffle(self.identifiers)
        words = _COMMON * 2 + _NOUNS + _VERBS + _QUALITIES + self.identifiers[:160]
        head, tail = words[: len(_COMMON)], words[len(_COMMON) :]
        dice.shuffle(tail)
        self._words = head + tail
        self._weights = _zipf(len(self._words))
        self._identifier_weights = _zipf(len(self.identifiers))

    @staticmethod
    def _identifier(dice: Dice) -> str:
        stem = "".join(dice.choices(_SYLLABLES, k=2)) if dice.chance(0.4) else dice.choice(_NOUNS)
        return f"{stem}_{dice.choice(_NOUNS)}" if dice.chance(0.7) else f"{dice.choice(_QUALITIES)}_{stem}"

    def names(self, dice: Dice, count: int) -> list[str]:
        """Identifiers, common ones more often."""
        return dice.choices(self.identifiers, cum_weights=self._identifier_weights, k=count)

    def title(self, dice: Dice) -> str:
        """A work item's title."""
        one, two = self.names(dice, 2)
        shape = dice.randrange(5)
        if shape == 0:
            return f"Fix {dice.choice(_QUALITIES)} {dice.choice(_NOUNS)} in {one}"
        if shape == 1:
            return f"{one} {dice.choice(_VERBS)} the {dice.choice(_NOUNS)} of {two}"
        if shape == 2:
            return f"Add {dice.choice(_NOUNS)} {dice.choice(_NOUNS)} for {one}"
        if shape == 3:
            return f"Make {one} {dice.choice(_QUALITIES)}-safe"
        return f"Replace {one} with {two} in the {dice.choice(_NOUNS)} {dice.choice(_NOUNS)}"

    def prose(self, dice: Dice, length: int) -> str:
        """About `length` characters of sentences, a blank line now and then."""
        words = dice.choices(self._words, cum_weights=self._weights, k=max(3, length // 6))
        out: list[str] = []
        start = 0
        while start < len(words):
            stop = start + 6 + dice.randrange(12)
            sentence = " ".join(words[start:stop])
            out.append(sentence[0].upper() + sentence[1:] + ("." if start % 7 else ".\n\n"))
            start = stop
        return " ".join(out).replace("\n ", "\n").strip()

    def lines(self, dice: Dice, length: int) -> str:
        """About `length` characters of program output: paths, numbers, states."""
        out: list[str] = []
        size = 0
        names = self.names(dice, 24)
        while size < length:
            one, two = names[dice.randrange(24)], names[dice.randrange(24)]
            shape = dice.randrange(7)
            number = dice.randrange(4000)
            if shape == 0:
                line = f"ok  \t{one}/{two}\t{number / 1000:.3f}s"
            elif shape == 1:
                line = f"src/{one}.py:{number % 400}: {dice.choice(_QUALITIES)} {two} ({dice.choice(_NOUNS)})"
            elif shape == 2:
                line = (
                    f"{number % 24:02d}:{number % 60:02d}:{(number * 7) % 60:02d} [info] {one} {dice.choice(_VERBS)} {two}={number}"
                )
            elif shape == 3:
                line = f"--- PASS: test_{one}_{two} ({number / 1000:.2f}s)"
            elif shape == 4:
                line = f"{dice.hexadecimal(7)} {dice.choice(('fix', 'feat', 'chore', 'test'))}: {one} {dice.choice(_VERBS)} {two}"
            elif shape == 5:
                line = f"     warning: {one} is {dice.choice(_QUALITIES)}; use {two} instead"
            else:
                line = "     " + " ".join(dice.choices(self._words, cum_weights=self._weights, k=9))
            out.append(line)
            size += len(line) + 1
        return "\n".join(out)[: max(1, length)]

    def source(self, dice: Dice, length: int) -> str:
        """About `length` characters of a source file."""
        names = self.names(dice, 40)
        out = [f'"""{names[0]}: {self.prose(dice, 60)}"""', "", f"import {names[1]}", f"from {names[2]} import {names[3]}", ""]
        size = 120
        while size < length:
            one, two, three = names[dice.randrange(40)], names[dice.randrange(40)], names[dice.randrange(40)]
            shape = dice.randrange(9)
            if shape == 0:
                line = f"\ndef {one}({two}, {three}=None):"
            elif shape == 1:
                line = f"    {one} = {two}({three}, {dice.randrange(512)})"
            elif shape == 2:
                line = f"    if {one} is None or {two} < {dice.randrange(100)}:"
            elif shape == 3:
                line = f'        raise ValueError("{one} {dice.choice(_VERBS)} {two}")'
            elif shape == 4:
                line = f"    for {one} in {two}.{three}():"
            elif shape == 5:
                line = f"        {one}.append({two}[{three}])"
            elif shape == 6:
                line = "    # " + " ".join(dice.choices(self._words, cum_weights=self._weights, k=8))
            elif shape == 7:
                line = f'    {one}["{two}"] = {three}'
            else:
                line = f"    return {one}"
            out.append(line)
            size += len(line) + 1
        return "\n".join(out) + "\n"
