"""The panels that boards are made of: five types that Grafana 9.4 has, in two languages, with the catalogue's units.

Each takes its `Words`, its `Place` and its queries, and gives a builder of the Foundation SDK. Tables from several
measurements arrive as one, row below row, and `grouped` adds them up in the browser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from grafana_foundation_sdk.builders import bargauge, common, piechart, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import common as models
from grafana_foundation_sdk.models import dashboard as board
from grafana_foundation_sdk.models.piechart import PieChartLegendValues, PieChartType

from dashboards.influxql import DATASOURCE_TYPE, InfluxQLQuery
from dashboards.units import COUNT
from firmware_bridge.readings import LABELS

TIME_COLUMN: Final = "Time"
"""What Grafana calls InfluxDB's time in a table."""

SILENCE: Final = "silence"
"""The label of an incident that says that a sensor is silent."""

_THREAT_COLOUR: Final = "red"
_NONE: Final = "0"  # a count of nothing gives no row, which would read "No data"


class Words(NamedTuple):
    """What a panel is called and what it tells: a title and a sentence in Spanish, and both in English."""

    title: str
    es: str
    en: str

    @property
    def description(self) -> str:
        """Spanish first, then English."""
        return f"{self.es}\n\nEnglish: {self.en}"


class Place(NamedTuple):
    """Width in 24ths of the board, height in rows of 30 pixels."""

    width: int
    height: int


class Column(NamedTuple):
    """A column of a table, in the order it is shown.

    name: as the query (or `grouped`) calls it. unit: Grafana's id. labels: show the vocabulary's Spanish titles,
    threats in red. link: where a click on a cell leads. titles: what is shown instead of a value, and its colour.
    """

    name: str
    title: str
    unit: str = ""
    labels: bool = False
    link: str = ""
    titles: tuple[tuple[str, str, str], ...] = ()


AnyPanel = stat.Panel | table.Panel | timeseries.Panel | bargauge.Panel | piechart.Panel


def grouped(by: Sequence[str], column: str, calculation: str) -> list[board.DataTransformerConfig]:
    """One row for each value of the columns `by`; the result's column is `reduced(column, calculation)`."""
    fields: dict[str, object] = {name: {"aggregations": [], "operation": "groupby"} for name in by}
    fields[column] = {"aggregations": [calculation], "operation": "aggregate"}
    return [board.DataTransformerConfig(id_val="groupBy", options={"fields": fields})]


def grouped_by(
    by: Sequence[str], columns: Mapping[str, str], *, order: str = TIME_COLUMN
) -> list[board.DataTransformerConfig]:
    """Rows in order of time, or of another column, then one for each value of the columns `by`: of each other column
    one calculation. The results' columns are `reduced(column, calculation)`."""
    fields: dict[str, object] = {name: {"aggregations": [], "operation": "groupby"} for name in by}
    for column, calculation in columns.items():
        fields[column] = {"aggregations": [calculation], "operation": "aggregate"}
    return [sorted_by(order), board.DataTransformerConfig(id_val="groupBy", options={"fields": fields})]


def reduced(column: str, calculation: str) -> str:
    """What Grafana's "group by" calls a calculated column."""
    return f"{column} ({calculation})"


def sorted_by(column: str, *, descending: bool = False) -> board.DataTransformerConfig:
    """Rows in order of a column."""
    return board.DataTransformerConfig(id_val="sortBy", options={"sort": [{"desc": descending, "field": column}]})


def only_below(column: str, limit: float) -> board.DataTransformerConfig:
    """Only the rows whose number is lower than a limit."""
    return _only("lower", column, limit)


def only_above(column: str, limit: float) -> board.DataTransformerConfig:
    """Only the rows whose number is greater than a limit."""
    return _only("greater", column, limit)


def _only(how: str, column: str, limit: float) -> board.DataTransformerConfig:
    below = {"config": {"id": how, "options": {"value": limit}}, "fieldName": column}
    return board.DataTransformerConfig(
        id_val="filterByValue", options={"filters": [below], "match": "all", "type": "include"}
    )


def renamed(pattern: str, to: str) -> board.DataTransformerConfig:
    """Series whose name matches a regular expression are named anew ($1: the first group)."""
    return board.DataTransformerConfig(id_val="renameByRegex", options={"regex": pattern, "renamePattern": to})


def number(
    words: Words,
    place: Place,
    query: InfluxQLQuery,
    *,
    calculation: str,
    text_column: str = "",
    alarm_from: int = 0,
    transformations: Sequence[board.DataTransformerConfig] = (),
) -> AnyPanel:
    """One large count, reduced from all rows. text_column: take its values instead of the numbers. alarm_from: red."""
    steps = [board.Threshold(value=None, color="text")]
    if alarm_from:
        steps.append(board.Threshold(value=alarm_from, color="red"))
    reduce = common.ReduceDataOptions().values(False).calcs([calculation])
    reduce = reduce.fields(f"/^{text_column}$/" if text_column else "")
    panel = stat.Panel().reduce_options(reduce).unit(COUNT).no_value(_NONE)
    panel = panel.transformations(list(transformations)) if transformations else panel
    panel = panel.thresholds(builders.ThresholdsConfig().mode(board.ThresholdsMode.ABSOLUTE).steps(steps))
    panel = panel.color_mode(models.BigValueColorMode.VALUE).graph_mode(models.BigValueGraphMode.NONE)
    return _dressed(panel, words, place, [query])


def rows_as_numbers(
    words: Words,
    place: Place,
    query: InfluxQLQuery,
    transformations: list[board.DataTransformerConfig],
    *,
    column: str,
    unit: str,
    over: str,
) -> AnyPanel:
    """A tile for each row of a table: the value of a column, named by the text column. over: instead of the board's
    time range, such as "30d"."""
    # By name: the latest of some times is a number to some versions of Grafana, and a time to others.
    panel = stat.Panel().reduce_options(_every_row().fields(f"/^{re.escape(column)}$/")).unit(unit)
    panel = panel.transformations(transformations).time_from(over)
    panel = panel.color_mode(models.BigValueColorMode.NONE).graph_mode(models.BigValueGraphMode.NONE)
    return _dressed(panel, words, place, [query])


def bars(
    words: Words,
    place: Place,
    query: InfluxQLQuery,
    transformations: list[board.DataTransformerConfig] | None = None,
    *,
    unit: str = COUNT,
) -> AnyPanel:
    """Horizontal bars: with transformations one for each row of a table, else one for each series, its last value."""
    last = common.ReduceDataOptions().values(False).calcs(["lastNotNull"]).fields("")
    panel = bargauge.Panel().reduce_options(_every_row() if transformations else last).unit(unit).min(0)
    panel = panel.orientation(models.VizOrientation.HORIZONTAL).display_mode(models.BarGaugeDisplayMode.BASIC)
    panel = panel.color_scheme(builders.FieldColor().mode(board.FieldColorModeId.FIXED).fixed_color("blue"))
    panel = panel.mappings([_label_titles()])
    return _dressed(panel.transformations(transformations or []), words, place, [query])


def shares(
    words: Words,
    place: Place,
    query: InfluxQLQuery,
    transformations: list[board.DataTransformerConfig],
    titles: Mapping[str, str],
) -> AnyPanel:
    """A ring with a part for each row of a table. titles: what is shown instead of a name."""
    legend = piechart.PieChartLegendOptions().display_mode(models.LegendDisplayMode.TABLE).show_legend(True)
    legend = legend.placement(models.LegendPlacement.RIGHT).values([PieChartLegendValues.PERCENT])
    panel = piechart.Panel().pie_type(PieChartType.DONUT).reduce_options(_every_row()).legend(legend).unit(COUNT)
    hide = common.HideSeriesConfig().legend(False).tooltip(False).viz(False)
    names = {name: board.ValueMappingResult(text=title, index=at) for at, (name, title) in enumerate(titles.items())}
    panel = panel.transformations(transformations).hide_from(hide).mappings([board.ValueMap(options=names)])
    return _dressed(panel, words, place, [query])


def over_time(
    words: Words,
    place: Place,
    query: InfluxQLQuery,
    *,
    unit: str,
    stacked_bars: bool = False,
    minimum: str = "",
    transformations: Sequence[board.DataTransformerConfig] = (),
) -> AnyPanel:
    """A line for each series, gaps joined; or stacked bars of counts by label. minimum: the shortest interval."""
    panel = timeseries.Panel().unit(unit).transformations(list(transformations))
    if stacked_bars:
        stacking = common.StackingConfig().mode(models.StackingMode.NORMAL).group("A")
        panel = panel.draw_style(models.GraphDrawStyle.BARS).fill_opacity(80).line_width(0).stacking(stacking)
        for label in LABELS.values():
            panel = panel.override_by_name(label.name, [_property("displayName", label.title_es)])
    else:
        panel = panel.draw_style(models.GraphDrawStyle.LINE).line_width(1).span_nulls(True)
        panel = panel.show_points(models.VisibilityMode.AUTO)
    if minimum:
        panel = panel.interval(minimum)
    legend = common.VizLegendOptions().show_legend(True).placement(models.LegendPlacement.BOTTOM)
    panel = panel.legend(legend.display_mode(models.LegendDisplayMode.LIST))
    panel = panel.tooltip(common.VizTooltipOptions().mode(models.TooltipDisplayMode.MULTI))
    return _dressed(panel, words, place, [query])


def listing(
    words: Words,
    place: Place,
    query: InfluxQLQuery,
    columns: Sequence[Column],
    *,
    hidden: Sequence[str] = (),
    transformations: Sequence[board.DataTransformerConfig] = (),
    sort: tuple[str, bool] | None = None,
    over: str = "",
) -> AnyPanel:
    """A table of the columns in their order. sort: a column's title, and whether descending. over: instead of the
    board's time range, such as "30d"."""
    order = board.DataTransformerConfig(
        id_val="organize",
        options={
            "excludeByName": dict.fromkeys(hidden, True),
            "indexByName": {column.name: index for index, column in enumerate(columns)},
            "renameByName": {},
        },
    )
    panel = (
        table.Panel().transformations([*transformations, order]).align(models.FieldTextAlignment.AUTO).inspect(False)
    )
    for column in columns:
        panel = panel.override_by_name(column.name, _properties(column))
    if sort:
        panel = panel.sort_by([common.TableSortByFieldState().display_name(sort[0]).desc(sort[1])])
    if over:
        panel = panel.time_from(over)
    return _dressed(panel, words, place, [query])


def _dressed(panel: AnyPanel, words: Words, place: Place, queries: Sequence[InfluxQLQuery]) -> AnyPanel:
    panel = panel.title(words.title).description(words.description).span(place.width).height(place.height)
    panel = panel.datasource(board.DataSourceRef(type_val=DATASOURCE_TYPE, uid=queries[0].uid))
    for query in queries:
        panel = panel.with_target(query)
    return panel


def _every_row() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().values(True).calcs([]).fields("")


def _property(name: str, value: object) -> board.DynamicConfigValue:
    return board.DynamicConfigValue(id_val=name, value=value)


def _properties(column: Column) -> list[board.DynamicConfigValue]:
    properties = [_property("displayName", column.title)]
    if column.unit:
        properties.append(_property("unit", column.unit))
    if column.labels:
        # displayMode is what 9.4 knows; later versions turn it into cellOptions when they load the board
        properties += [_property("mappings", [_label_titles()]), _property("custom.displayMode", "color-text")]
    if column.titles:
        options = {
            value: board.ValueMappingResult(text=text, color=colour, index=index)
            for index, (value, text, colour) in enumerate(column.titles)
        }
        properties += [
            _property("mappings", [board.ValueMap(options=options)]),
            _property("custom.displayMode", "color-text"),
        ]
    if column.link:
        properties.append(_property("links", [{"title": "Abrir el puesto", "url": column.link}]))
    return properties


def _label_titles() -> board.ValueMap:
    return board.ValueMap(
        options={
            label.name: board.ValueMappingResult(
                text=label.title_es, color=_THREAT_COLOUR if label.alert else "text", index=index
            )
            for index, label in enumerate(LABELS.values())
        }
        | {SILENCE: board.ValueMappingResult(text="Sensor callado", color="text", index=len(LABELS))}
    )
