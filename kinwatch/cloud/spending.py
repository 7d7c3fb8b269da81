"""`kinwatch rekognition sent | on | off | status`: what left the house, its cost, and the switch; AWS is not asked."""

from datetime import UTC, datetime, timedelta
from typing import Any

from brain.cloud.ledger import Call, CallLedger
from brain.settings.brain import BrainSettings
from kinwatch.cloud.sync import ledger_file
from kinwatch.console import emit, print_line
from kinwatch.opening import brain_settings
from nerves.messages import stamp
from nerves.settings import HouseSettings

__all__ = ["run_sent", "run_status", "run_switch"]

ANSWERED = "answered"
# No house can pay for more calls.
MAX_CALLS_SHOWN = 10_000_000


def run_sent(house: HouseSettings, *, days: float, json: bool) -> None:
    """Do `kinwatch rekognition sent`."""
    settings = brain_settings(house)
    with CallLedger(ledger_file(house), settings.rekognition) as ledger:
        calls = ledger.calls(datetime.now(UTC) - timedelta(days=days), MAX_CALLS_SHOWN)[::-1]
    for call in calls:
        emit(_facts(call)) if json else print_line(_line(call), None if call.size else "dim")
    sums = _sums(calls)
    if json:
        emit({"summary": {"days": days} | sums})
    else:
        pictures = f"{sums['pictures']} with a picture ({sums['bytes'] / 1000:.0f} KB)"
        cost, lost = f"${sums['usd']:.4f}", f"{sums['unanswered']} of them without an answer"
        print_line(f"{sums['calls']} calls in {days:g} days, {cost}; {pictures}, {lost}")


def run_switch(house: HouseSettings, *, on: bool) -> None:
    """Do `kinwatch rekognition on` and `off`."""
    settings = brain_settings(house)
    with CallLedger(ledger_file(house), settings.rekognition) as ledger:
        ledger.on = on
    print_line(_switch(settings, on=on))


def run_status(house: HouseSettings, *, json: bool) -> None:
    """Do `kinwatch rekognition status`."""
    settings = brain_settings(house)
    limits = settings.rekognition
    with CallLedger(ledger_file(house), limits) as ledger:
        on, spent, owed = ledger.on, ledger.spent(datetime.now(UTC)), len(ledger.owed())
    if json:
        emit(
            {
                "switch": "on" if on else "off",
                "enabled": limits.enabled,
                "vision": settings.vision,
                "by": limits.by,
                "collection": None if limits.by == "compare" else limits.collection,
                "region": limits.region,
                "today": _budget(spent.day_calls, limits.daily_calls, spent.day_usd, limits.daily_usd),
                "month": _budget(spent.month_calls, limits.monthly_calls, spent.month_usd, limits.monthly_usd),
                "owed": owed,
            }
        )
        return
    print_line(_switch(settings, on=on))
    day, month = f"{spent.day_calls} of {limits.daily_calls}", f"{spent.month_calls} of {limits.monthly_calls}"
    print_line(f"today (UTC): {day} calls, ${spent.day_usd:.4f} of ${limits.daily_usd:.2f}")
    print_line(f"month: {month} calls, ${spent.month_usd:.4f} of ${limits.monthly_usd:.2f}")
    if owed:
        print_line(f"forgotten here, and perhaps still in the collection: {owed}; kinwatch rekognition sync", "yellow")


def _switch(settings: BrainSettings, *, on: bool) -> str:
    """Return in words whether a picture may leave the house, and whether the brain would send one."""
    if not on:
        return "off: no call leaves the house (kinwatch rekognition on)"
    if not settings.rekognition.enabled:
        return "on, but brain.rekognition.enabled is false: no call leaves the house"
    if not settings.cloud:
        return f"on, but brain.vision is {settings.vision}: the brain asks nobody, `kinwatch rekognition sync` does"
    return f"on: brain.vision is {settings.vision}"


def _budget(calls: int, most_calls: int, usd: float, most_usd: float) -> dict[str, Any]:
    return {"calls": calls, "most_calls": most_calls, "usd": round(usd, 6), "most_usd": most_usd}


def _facts(call: Call) -> dict[str, Any]:
    return {
        "at": stamp(call.at),
        "operation": call.operation,
        "what": call.what if call.size else None,
        "bytes": call.size,
        "place": call.place,
        "visit": str(call.visit) if call.visit else None,
        "usd": call.usd,
        "outcome": call.outcome,
    }


def _line(call: Call) -> str:
    what = f"{call.what}, {call.size / 1000:.1f} KB" if call.size else "no picture"
    why = (
        f", {call.place or ''} visit {str(call.visit)[:13]}" if call.visit else f", {call.place}" if call.place else ""
    )
    cost = f"${call.usd:.4f}" if call.usd else "free"
    return f"{call.at.astimezone():%Y-%m-%d %H:%M:%S} {call.operation}: {what}{why}; {cost}; {call.outcome}"


def _sums(calls: list[Call]) -> dict[str, Any]:
    return {
        "calls": len(calls),
        "pictures": sum(call.size > 0 for call in calls),
        "bytes": sum(call.size for call in calls),
        "usd": round(sum(call.usd for call in calls), 6),
        "unanswered": sum(call.size > 0 and call.outcome != ANSWERED for call in calls),
    }
