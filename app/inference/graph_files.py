"""How a description states the files of an OpenVINO graph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class StrictModel(BaseModel):
    """Reads exactly what it declares: an unknown, missing or converted field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class GraphFile(StrictModel):
    """One file of an OpenVINO graph."""

    file: str = Field(pattern=r"^[A-Za-z0-9._-]+\.(xml|bin)$")
    sha256: Sha256
    size_bytes: int = Field(ge=1)


class Graph(StrictModel):
    """The same tower as an OpenVINO graph: float32 (n, height, width, 3) to (n, dimension).

    Made from the safetensors file, it shares the fingerprint of that: its vectors are as good as equal, which
    the golden vector proves at each start.
    """

    model: GraphFile
    weights: GraphFile

    @model_validator(mode="after")
    def _weights_beside_the_model(self) -> Self:
        """OpenVINO is told the model alone and takes the .bin of the same name: no other may be checked."""
        model, weights = Path(self.model.file), Path(self.weights.file)
        if model.suffix != ".xml" or weights != model.with_suffix(".bin"):
            raise ValueError(
                f"the graph {model} must be an .xml, and its weights {weights} the .bin of the same name"
            )
        return self
