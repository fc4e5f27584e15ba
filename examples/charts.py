"""Charts of the page, in Vega-Lite: a bar per day, week or month.

Colours are variables of the page's style sheet, which has one value for light mode and one for
dark mode.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import altair

from examples.periods import DAY, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The longest axis, in days, whose labels have no year.
_DAYS_WITHOUT_YEAR = 300
#: The margin on either side of a bar, as a share of its days.
_MARGIN = 1 / 12
_STYLE = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "padding": {"left": 0, "top": 6, "right": 1, "bottom": 4},
    "view": {"stroke": "transparent"},
    "axis": {
        "domain": False,
        "gridColor": "var(--line)",
        "labelColor": "var(--muted)",
        "labelFontSize": 12,
        "ticks": False,
        "title": None,
    },
}


class Bar(NamedTuple):
    """A bar of a chart.

    Attributes:
        span: Its days.
        value: Its height.
        whole: Whether all of its days are over and were read; if not, the bar is pale.
        facts: The texts of its tooltip, by heading.
    """

    span: Span
    value: float
    whole: bool
    facts: dict[str, str]


def bars(  # noqa: PLR0913 - a chart needs them all.
    found: Sequence[Bar],
    span: Span,
    *,
    name: str,
    color: str,
    gaps: Sequence[Span] = (),
    scale: bool = True,
) -> dict[str, Any]:
    """Return a bar chart that fills the width and height of its place on the page.

    Args:
        found: The bars.
        span: The days of the horizontal axis, so that charts below one another can be compared.
        name: What the chart shows, for screen readers.
        color: The variable of the style sheet with the colour of the bars.
        gaps: Days that may never have been read, which are marked.
        scale: Whether the vertical axis has numbers.

    Returns:
        The chart in Vega-Lite.
    """
    begin = (
        altair.X("bar_begin:T")
        .scale(type="utc", domainMin=_midnight(span.first), domainMax=_midnight(span.last + DAY))
        .axis(
            format="%-d %b" if span.days <= _DAYS_WITHOUT_YEAR else "%b %Y",
            grid=False,
            labelPadding=5,
            tickCount={"expr": "ceil(width / 110)"},
            # By default, a label stands below the beginning of its day, not below its middle.
            labelOffset={"expr": f"width / {2 * span.days}"},
        )
    )
    height = altair.Y("value:Q").scale(zero=True)
    height = height.axis(tickCount=3, minExtent=44, format=",~f") if scale else height.axis(None)
    headings = list(found[0].facts) if found else []
    everywhere = altair.Chart(
        altair.InlineData(
            values=[
                {
                    **_interval(bar.span),
                    "value": bar.value,
                    "opacity": 1 if bar.whole else 0.4,
                    "text": ", ".join(bar.facts.values()),
                    **bar.facts,
                }
                for bar in found
            ]
        )
    )
    drawn = everywhere.mark_rect(
        color=f"var({color})", cornerRadiusTopLeft=1.5, cornerRadiusTopRight=1.5
    ).encode(
        x=begin,
        x2="bar_end:T",
        y=height,
        y2=altair.datum(0),
        fillOpacity=altair.FillOpacity("opacity:Q").scale(None),
        description="text:N",
    )
    # The outline makes a single day visible on an axis of ten years.
    missing = (
        altair.Chart(altair.InlineData(values=[_interval(gap) for gap in gaps]))
        .mark_rect(
            color="var(--missing)", fillOpacity=0.35, stroke="var(--missing)", strokeWidth=0.5
        )
        .encode(x="begin:T", x2="end:T")
    )
    # Low bars are hard to point at, so the tooltip covers the full height of the chart.
    pointed = everywhere.mark_rect(fillOpacity=0, aria=False, color="var(--ink)").encode(
        x="begin:T", x2="end:T", tooltip=[altair.Tooltip(f"{heading}:N") for heading in headings]
    )
    layers = [drawn.properties(name="bars"), pointed.properties(name="days")]
    if gaps:
        layers.insert(0, missing.properties(name="missing"))
    chart = altair.layer(*layers).properties(
        width="container",
        height="container",
        autosize={"type": "fit", "contains": "padding"},
        description=name,
        config=_STYLE,
    )
    return dict(chart.to_dict())


def _midnight(date: datetime.date) -> altair.DateTime:
    """Return the beginning of a day in the form that Vega-Lite's scales need."""
    return altair.DateTime(year=date.year, month=date.month, date=date.day, utc=True)


def _interval(span: Span) -> dict[str, str]:
    """Return the times at which days and their bar begin and end."""
    begin, end = (
        datetime.datetime.combine(date, datetime.time(), datetime.UTC)
        for date in (span.first, span.last + DAY)
    )
    margin = (end - begin) * _MARGIN
    times = {"begin": begin, "end": end, "bar_begin": begin + margin, "bar_end": end - margin}
    return {name: time.isoformat() for name, time in times.items()}
