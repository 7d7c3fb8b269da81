"""What `kinwatch rekognition sync` has changed so far, and its numbers in words."""

from dataclasses import dataclass, field

from brain.collection.sync import SyncStep

__all__ = ["Tally", "faces_text", "photos_text"]


@dataclass
class Tally:
    """What has been changed so far."""

    added: int = 0
    removed: int = 0
    held: int = 0
    """Faces that stay, because another program's user has them."""
    refused: list[str] = field(default_factory=list)
    """Photos that Rekognition refused, and why."""
    notes: list[str] = field(default_factory=list)
    """What else a person should know."""

    def count(self, step: SyncStep) -> None:
        """Count a step."""
        if step.what == "added":
            self.added += 1
        elif step.what == "removed":
            self.removed += step.number
        elif step.what == "refused":
            self.refused.append(f"{step.file} of {step.name}: {step.why}")
        elif step.what == "unlike":
            self.notes.append(f"not made part of the user by Rekognition: {faces_text(step.number)} of {step.name}")
        elif step.what == "held":
            self.held += step.number
            self.notes.append(
                f"not removed, for another program's user has them: {faces_text(step.number)} of {step.name}"
            )

    def lines(self) -> list[str]:
        """Return what a person should know."""
        return [*(f"not taken: {line}" for line in self.refused), *self.notes]


def faces_text(count: int) -> str:
    """Return a number of faces in words."""
    return f"{count} face{'s' * (count != 1)}"


def photos_text(count: int) -> str:
    """Return a number of photos in words."""
    return f"{count} photo{'s' * (count != 1)}"
