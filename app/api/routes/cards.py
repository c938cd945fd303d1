"""Find a card to correct to, and see it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request, Response

from app.api.deps import RuntimeDep
from app.api.pictures import picture_response
from app.api.responses import READ_ERRORS, picture, problems
from app.api.routing import scoped_router
from app.api.schemas.base import PRINTABLE, SearchText
from app.api.schemas.cards import CardListModel, CardModel
from app.api.security import Scope
from app.domain.errors import NotFound

router = scoped_router("cards", Scope.IDENTIFY)

CardId = Annotated[str, Path(max_length=200, pattern=PRINTABLE)]


@router.get(
    "/cards",
    operation_id="find_cards",
    summary="Cards whose name, set and number match every word",
    response_model=CardListModel,
    responses=problems(*READ_ERRORS),
)
async def find_cards(
    runtime: RuntimeDep,
    query: Annotated[SearchText | None, Query(description="words of name, set or number")] = None,
    set_id: Annotated[SearchText | None, Query(description="only this set")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> CardListModel:
    """Best match first."""
    cards = await runtime.gallery.find_cards(query or None, set_id or None, limit)
    return CardListModel(cards=[CardModel.of(card) for card in cards])


# Before the card itself: an id may hold a slash.
@router.get(
    "/cards/{card_id:path}/image",
    operation_id="get_card_image",
    summary="The first reference image of a card",
    response_class=Response,
    responses=picture("the reference image") | problems(*READ_ERRORS, NotFound),
)
async def get_card_image(request: Request, card_id: CardId, runtime: RuntimeDep) -> Response:
    """As it was imported."""
    image = await runtime.gallery.card_image(card_id)
    if image is None:
        raise NotFound(f"no card {card_id!r} in the gallery, or it has no picture")
    return picture_response(request, image)


@router.get(
    "/cards/{card_id:path}",
    operation_id="get_card",
    summary="One card",
    response_model=CardModel,
    responses=problems(*READ_ERRORS, NotFound),
)
async def get_card(card_id: CardId, runtime: RuntimeDep) -> CardModel:
    """One printing by its id."""
    card = await runtime.gallery.get_card(card_id)
    if card is None:
        raise NotFound(f"no card {card_id!r} in the gallery")
    return CardModel.of(card)
