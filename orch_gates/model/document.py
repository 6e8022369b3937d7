"""What every state document has: a schema, unknown fields that survive, no implicit conversion (ST-1)."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """The frontmatter of one file on the state branch.

    Every kind declares `schema`, which is `orch.<kind>/<version>`. Fields that this version does
    not know are kept and written again, after the known ones. Values are never converted: `1` is
    no text and `"1"` is no number.
    """

    # A command reads two or three kinds; all of them at once cost every command a tenth of its start.
    model_config = ConfigDict(
        frozen=True, extra="allow", strict=True, validate_by_name=True, validate_by_alias=True, defer_build=True
    )
    KIND: ClassVar[str]
    VERSION: ClassVar[int] = 1
    # Left out while they hold their default, so that a document of before them is written as it was.
    ADDED: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def schema_name(cls) -> str:
        """The schema that this version writes."""
        return f"orch.{cls.KIND}/{cls.VERSION}"

    def fields(self) -> dict[str, Any]:
        """The frontmatter as plain values, in the order in which it is written."""
        added = type(self).model_fields
        unset = {name for name in self.ADDED if getattr(self, name) == added[name].default}
        return self.model_dump(mode="json", by_alias=True, exclude=unset)
