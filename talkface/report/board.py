"""The same comparison on Weights & Biases: a report and a workspace over the runs.

The package ``wandb-workspaces`` (the extra ``reports``) builds both; saving them needs a key and a
network, see ``publish``. Keys of runs are those that ``talkface fit`` and ``talkface test`` log.
"""

import re

from wandb_workspaces import expr, workspaces
from wandb_workspaces.reports.v2 import interface as wr

from talkface.metrics.table import ROWS, column
from talkface.report.comparison import Comparison
from talkface.report.errors import BoardError
from talkface.report.palette import color
from talkface.report.plots import curve_names
from talkface.report.runs import Run, at
from talkface.report.texts import to_markdown

RUNSET = "arms"
MEDIA = {"Strips": ["test/strips", "val/strips"], "Videos": ["test/videos"]}
LONGEST_TITLE = 128
RUN_FOLDER = re.compile(r"(?:offline-)?run-\d+_\d+-(?P<id>\w+)")


def run_ids(run: Run) -> list[str]:
    """Ids under which W&B knows a run and its test."""
    folders = [run.folder, *([run.test] if run.test else [])]
    found = [path.name for folder in folders for path in sorted(folder.glob("wandb/*run-*"))]
    matches = [match for name in found if (match := RUN_FOLDER.fullmatch(name))]
    return list(dict.fromkeys(match["id"] for match in matches))


def project_of(comparison: Comparison, project: str | None = None) -> str:
    """The project that the runs are in.

    Args:
        comparison: The runs.
        project: What the user says.

    Raises:
        BoardError: If the runs are in several and the user does not say which counts.
    """
    if project:
        return project
    runs = [run for arm in comparison.arms for run in arm.runs]
    found = {str(at(run.config, "wandb.project") or "talkface") for run in runs}
    if len(found) > 1:
        raise BoardError(f"The runs are in {', '.join(sorted(found))}. Choose with --project.")
    return found.pop()


def build_report(comparison: Comparison, entity: str, project: str) -> wr.Report:
    """The report as it would be saved; nothing is sent.

    Args:
        comparison: What is compared.
        entity: User or team that owns it.
        project: Project of the runs.

    Raises:
        BoardError: If W&B has none of the runs.
    """
    grouped = _grouped(comparison)
    runset = wr.Runset(
        entity=entity,
        project=project,
        name=RUNSET,
        filters=expr.And(expr.Metric("ID").isin(_all_ids(comparison))),
        groupby=["Group"] if grouped else [],
        run_settings={
            name: wr.RunSettings(color=color(index))
            for index, arm in enumerate(comparison.arms)
            for run in arm.runs
            for name in run_ids(run)
        },
    )
    panels = [_validation(comparison), _tests(comparison), _media()]
    titles = ("While training", "Tests", "Pictures and videos")
    blocks: list[wr.BlockTypes] = [wr.MarkdownBlock(text=to_markdown(comparison))]
    for title, part in zip(titles, panels, strict=True):
        if part:
            colors = _group_colors(comparison) if grouped else {}
            grid = wr.PanelGrid(runsets=[runset], panels=part, custom_run_colors=colors)
            blocks += [wr.H2(text=title), grid]
    return wr.Report(
        entity=entity,
        project=project,
        title=comparison.title[:LONGEST_TITLE],
        description="Made by talkface report.",
        blocks=blocks,
        width="fluid",
    )


def build_workspace(comparison: Comparison, entity: str, project: str) -> workspaces.Workspace:
    """A view of the project that shows the same runs and panels; nothing is sent.

    Args:
        comparison: What is compared.
        entity: User or team that owns it.
        project: Project of the runs.

    Raises:
        BoardError: If W&B has none of the runs.
    """
    parts = {
        "Tests": _tests(comparison),
        "While training": _validation(comparison),
        "Pictures and videos": _media(),
    }
    return workspaces.Workspace(
        entity=entity,
        project=project,
        name=comparison.title.encode("ascii", "ignore").decode() or RUNSET,  # no emoji
        sections=[
            workspaces.Section(name=name, panels=panels, is_open=True)
            for name, panels in parts.items()
        ],
        runset_settings=workspaces.RunsetSettings(
            filters=expr.And(expr.Metric("ID").isin(_all_ids(comparison))),
            groupby=[expr.Metric("Group")] if _grouped(comparison) else [],
        ),
    )


def _all_ids(comparison: Comparison) -> list[str]:
    found = [name for arm in comparison.arms for run in arm.runs for name in run_ids(run)]
    if not found:
        raise BoardError(
            "None of these runs was given to W&B: their folders have no wandb/. They were made "
            "with `--wandb.mode disabled`, or that folder was not copied along."
        )
    return found


def _grouped(comparison: Comparison) -> bool:
    """Whether W&B shows the seeds of an arm as one line."""
    runs = [(arm.name, run) for arm in comparison.arms for run in arm.runs]
    return all(at(run.config, "wandb.group") == name for name, run in runs)


def _group_colors(comparison: Comparison) -> dict[str | wr.RunsetGroup, str | dict[str, str]]:
    keys = [wr.RunsetGroupKey(key=wr.Metric("Group"), value=arm.name) for arm in comparison.arms]
    return {wr.RunsetGroup(RUNSET, (key,)): color(index) for index, key in enumerate(keys)}


def _validation(comparison: Comparison) -> list[wr.PanelTypes]:
    names = [name for name in curve_names(comparison.arms) if name.startswith("val/")]
    return [wr.LinePlot(title=name, x="Step", y=[name]) for name in names]


def _tests(comparison: Comparison) -> list[wr.PanelTypes]:
    pairs = [(row, metric) for row in comparison.rows for metric in comparison.metrics]
    return [
        wr.BarPlot(
            title=f"{ROWS.get(row, row)}: {column(metric).title}",
            metrics=[f"test/{row}/{metric}"],
        )
        for row, metric in pairs
    ]


def _media() -> list[wr.PanelTypes]:
    return [
        wr.MediaBrowser(title=title, media_keys=keys, layout=wr.Layout(w=24, h=16))
        for title, keys in MEDIA.items()
    ]
