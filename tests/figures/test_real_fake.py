import torch

from talkface.figures.pictures import tile
from talkface.figures.real_fake import draw_real_fake
from tests.figures.kept import overlaps, renderings, texts, tiles


def test_pairs_stand_above_each_other_with_their_difference_times_the_gain() -> None:
    clip = renderings()
    clip.rows["video"] = clip.rows["truth"] ^ 1  # one level, in every pixel
    shown = tiles(draw_real_fake([clip], "video", "ours", columns=2, gain=30.0))
    wanted = [clip.rows[row][at] for row in ("truth", "video") for at in (0, 7)]
    for one, frame in zip(shown, wanted, strict=False):
        assert torch.equal(one, tile(frame))
    assert len(shown) == 6
    for one in shown[4:]:
        assert (one == 30).all()


def test_every_pair_has_its_own_psnr_and_ssim() -> None:
    clip = renderings()
    fake = clip.rows["truth"].clone()
    fake[7] ^= 2  # two levels: 20 log10(255 / 2) = 42.1 dB
    clip.rows["video"] = fake
    figure = draw_real_fake([clip], "video", "ours", columns=2)
    head = ["a", "0.00 s", "0.28 s", "real", "ours", "|difference| × 4", "∞ dB", "SSIM 1.000"]
    assert texts(figure)[:9] == [*head, "42.1 dB"]
    assert texts(figure)[9].startswith("SSIM 0.9")
    assert overlaps(figure) == []
