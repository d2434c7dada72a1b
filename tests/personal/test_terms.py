"""Terms of the fit that say nothing of what is fitted are not worth their time."""

import torch

from commedia.face_model.model import load_head
from commedia.looks.look import look_of
from commedia.personal.fit import OF_THE_MODEL, USUAL, Moments, Shots, Weights, fit
from commedia.personal.make import Effort, _begun

from .drawn import drawn_person


def fitted(weights: Weights) -> tuple[torch.Tensor, Moments]:
    cuts, head = drawn_person().cuts, load_head()
    rig, shots = _begun(cuts, look_of(cuts.skin, cuts.identity, head), head, Effort(size_px=32))
    moments = Moments(shots)
    fit(rig, shots, moments, 4, trained=rig.prior_parts(), weights=weights)
    return rig.identity.detach(), moments


def test_what_keeps_a_rig_smooth_changes_nothing_while_only_the_head_model_is_fitted() -> None:
    (identity, moments), (same, same_moments) = fitted(USUAL), fitted(OF_THE_MODEL)
    assert torch.equal(identity, same)
    assert torch.equal(moments.expression, same_moments.expression)
    assert not torch.equal(identity, torch.from_numpy(drawn_person().cuts.identity))


def test_some_shots_keep_their_parse_maps() -> None:
    count = torch.arange(3.0)
    shots = Shots(*(count[:, None] + place for place in range(6)), parse=count[:, None] + 6)
    some = shots.at(torch.tensor([2, 0]))
    assert [part[0].item() for part in some if part is not None] == [2.0 + place for place in range(7)]
    assert shots._replace(parse=None).at(torch.tensor([1])).parse is None
