"""Who brought something about: by role and key, never by name."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Role = Literal["trader", "admin", "operator", "rule"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A trader on their own account, an admin, an operator at a terminal, or a rule itself."""

    role: Role
    user_id: UUID | None = None

    def facts(self) -> dict[str, object]:
        """For the decision log."""
        return {"by": self.role, "by_user": self.user_id}


RULE = Actor("rule")
OPERATOR = Actor("operator")
