"""Whose case it is not to judge."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Impartiality:
    """Who has declared an interest, who has judged the case, and whose judgement is contested."""

    declared: frozenset[str] = frozenset()
    judges: frozenset[str] = frozenset()
    contested: frozenset[str] = frozenset()

    def declared_by(self, subject: str) -> "Impartiality":
        """With one more who has an interest in the case."""
        return replace(self, declared=self.declared | {subject})

    def judged_by(self, subject: str) -> "Impartiality":
        """With one more who has found, decided or approved something."""
        return replace(self, judges=self.judges | {subject})

    def under_appeal(self) -> "Impartiality":
        """Now that what was judged so far is judged anew: by other people (M-4: JD platform rules 9.5)."""
        return replace(self, contested=self.judges)

    def objection(self, subject: str) -> str | None:
        """Why the case is not this subject's to judge, if it is not."""
        if subject in self.declared:
            return "an interest in the case was declared"
        if subject in self.contested:
            return "what is judged anew was judged by the same person"
        return None
