"""The charts of the page, in Vega-Lite: a bar per day, week or month.

Colours are variables of the page's style sheet, which has one value for light and one for dark.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import altair

from examples.periods import DAY, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Up to so many days, the year need not be written at each.
_DAYS_WITHOUT_YEAR = 300
#: The share of its days that a bar leaves free on either side.
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
        value: How high it is.
        whole: Whether all of its days are over and were read; the bar is pale if not.
        facts: What to show to those who point at it, by heading.
    """

    span: Span
    value: float
    whole: bool
    facts: dict[str, str]


def bars(  # noqa: PLR0913 - what a chart needs, and no more.
    found: Sequence[Bar],
    span: Span,
    *,
    name: str,
    color: str,
    gaps: Sequence[Span] = (),
    scale: bool = True,
) -> dict[str, Any]:
    """Draw bars as wide and as high as the page leaves room for.

    Args:
        found: The bars.
        span: The days of the horizontal axis, so that charts below one another can be compared.
        name: What the chart shows, for those who cannot see it.
        color: The variable of the style sheet that has the bars' colour.
        gaps: Days without rows, which are marked as such.
        scale: Whether to write numbers at the vertical axis.

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
            # Below the middle of the day, not below its beginning.
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
    # The line around it shows a day even among ten years.
    missing = (
        altair.Chart(altair.InlineData(values=[_interval(gap) for gap in gaps]))
        .mark_rect(
            color="var(--missing)", fillOpacity=0.35, stroke="var(--missing)", strokeWidth=0.5
        )
        .encode(x="begin:T", x2="end:T")
    )
    # Low bars are hard to point at, so the whole height above a bar's days takes the pointer.
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
    """The beginning of a day, as scales want it."""
    return altair.DateTime(year=date.year, month=date.month, date=date.day, utc=True)


def _interval(span: Span) -> dict[str, str]:
    """The times at which days and their bar begin and end."""
    begin, end = (
        datetime.datetime.combine(date, datetime.time(), datetime.UTC)
        for date in (span.first, span.last + DAY)
    )
    margin = (end - begin) * _MARGIN
    times = {"begin": begin, "end": end, "bar_begin": begin + margin, "bar_end": end - margin}
    return {name: time.isoformat() for name, time in times.items()}
