from talkface.report.differences import Change, changes, shown


def test_only_settings_that_differ_are_named_by_their_dotted_keys() -> None:
    one = {"model": {"clip": 1.0, "terms": {"pixel": {"init_args": {"power": 2}}}}}
    other = {"model": {"clip": 1.0, "terms": {"pixel": {"init_args": {"power": 1}}}}}
    assert changes(one, other) == [Change("model.terms.pixel.init_args.power", "2", "1")]
    assert changes(one, one) == []


def test_a_part_that_only_one_has_is_one_change() -> None:
    pixel = {"class_path": "talkface.losses.Pixel", "init_args": {"power": 2, "network": None}}
    found = changes({"terms": {"pixel": pixel}}, {"terms": {"pixel": None}})
    assert found == [Change("terms.pixel", "Pixel(power: 2)", "null")]
    assert changes({}, {"new": 1}) == [Change("new", "–", "1")]


def test_seeds_folders_and_boards_are_left_out() -> None:
    one = {
        "seed_everything": 0,
        "data": {"seed": 0, "root": "/a/grid", "frames": 20},
        "trainer": {"default_root_dir": "/a"},
        "wandb": {"group": "a"},
        "ckpt_path": None,
        "model": {"init_from": "/a/weights.pt"},
    }
    other = {
        "seed_everything": 1,
        "data": {"seed": 1, "root": "/b/grid", "frames": 20},
        "trainer": {"default_root_dir": "/b"},
        "wandb": {"group": "b"},
        "ckpt_path": "x",
        "model": {"init_from": "/b/weights.pt"},
    }
    assert changes(one, other) == []
    other["model"] = {"init_from": "/b/other.pt"}
    assert changes(one, other) == [Change("model.init_from", "weights.pt", "other.pt")]


def test_callbacks_are_compared_class_by_class() -> None:
    ema = {"class_path": "a.EMA", "init_args": {"decay": 0.9}}
    panel = {"class_path": "a.Panel", "init_args": {"clips": 3}}
    one, other = {"callbacks": [ema, panel]}, {"callbacks": [panel]}
    assert changes(one, other) == [Change("callbacks.EMA", "EMA(decay: 0.9)", "–")]


def test_values_are_shown_as_yaml_has_them() -> None:
    values = [None, True, 1, 0.5, "text", [1, False], {"a": 1}]
    assert [shown(value) for value in values] == [
        *("null", "true", "1", "0.5", "text", "[1, false]", "{a: 1}")
    ]
