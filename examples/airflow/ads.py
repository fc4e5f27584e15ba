"""Airflow DAGs for many Adsterra accounts: a daily run, and a backfill of years.

docs/scale.md describes the setup. The tap reads the days, the target writes the rows, and Meltano
keeps the state; the DAGs only decide what runs when, and with which account.
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import Connection, Param, Variable, dag, get_current_context, task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import Context

LOADER = os.environ.get("AD_TAPS_LOADER", "target-postgres")
#: The first day of the daily runs; a backfill reads the days before it.
FIRST_DAY = date(2026, 1, 1)
#: The maximum of concurrent tasks, over all workers.
ACCOUNTS_AT_A_TIME = 16
RANGES_AT_A_TIME = 4
#: The API allows 1200 per user. Ranges of one account may run concurrently with its daily run.
REQUESTS_PER_MINUTE = 1000 // (RANGES_AT_A_TIME + 1)
#: The most days that the API returns in one response.
DAYS_PER_RANGE = 365

DAY = Param(FIRST_DAY.isoformat(), type="string", format="date")
EVERY_TASK = {
    "retries": 3,
    # For five minutes, Meltano takes a run that was killed for one that is still running.
    "retry_delay": timedelta(minutes=6),
}


class ReadAccount(BashOperator):
    """Reads one account with Meltano, into a schema of its own and with a state of its own.

    The token comes from the account's connection when the task runs. Only the environment of the
    command contains it: not the command line, nor a field that Airflow stores and shows.
    """

    template_fields = (*BashOperator.template_fields, "first_day")

    def __init__(
        self,
        *,
        account: str,
        first_day: str,
        last_day: str | None = None,
        **options: Any,  # noqa: ANN401 - arguments of any type.
    ) -> None:
        """Select an account and its days.

        Args:
            account: The account; the connection `adsterra_<account>` has its token as password.
            first_day: The first day to read.
            last_day: The last day to read; `None` for today.
            **options: The command, and the arguments of every operator.
        """
        super().__init__(do_xcom_push=False, **options)
        self.account = account
        self.first_day = first_day
        self.last_day = last_day

    def get_env(self, context: Context) -> dict[str, str]:
        """Return the environment of the command: account, days, schema and state."""
        state_id, days = f"adsterra:{self.account}", {"TAP_ADSTERRA_START_DATE": self.first_day}
        if self.last_day:
            state_id += f":{self.first_day}..{self.last_day}"
            days["TAP_ADSTERRA_END_DATE"] = self.last_day
        return {
            **super().get_env(context),
            **days,
            "MELTANO_STATE_ID": state_id,
            "TAP_ADSTERRA_API_TOKEN": Connection.get(f"adsterra_{self.account}").password,
            "TAP_ADSTERRA_REQUESTS_PER_MINUTE": str(REQUESTS_PER_MINUTE),
            "TAP_ADSTERRA_WINDOW_DAYS": str(DAYS_PER_RANGE),
            f"{LOADER.upper().replace('-', '_')}_DEFAULT_TARGET_SCHEMA": self.account,
        }


def ranges(first: date, last: date) -> Iterator[tuple[date, date]]:
    """Yield the first and the last day of ranges of at most a year."""
    while first <= last:
        end = min(last, first + timedelta(DAYS_PER_RANGE - 1))
        yield first, end
        first = end + timedelta(1)


@dag(
    schedule="0 6 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    # The state determines which days are read, so a missed run need not be repeated.
    catchup=False,
    max_active_runs=1,
    default_args=EVERY_TASK,
    params={"first_day": DAY},
)
def adsterra_daily() -> None:
    """Read every account up to today: new days, and days that may have changed."""

    @task
    def accounts() -> list[str]:
        return list(Variable.get("adsterra_accounts", deserialize_json=True))

    ReadAccount.partial(
        task_id="read",
        bash_command=f"meltano el tap-adsterra {LOADER}",
        first_day="{{ params.first_day }}",
        map_index_template="{{ task.account }}",
        max_active_tis_per_dag=ACCOUNTS_AT_A_TIME,
    ).expand(account=accounts())


@dag(
    schedule=None,
    max_active_runs=1,
    default_args=EVERY_TASK,
    params={
        "first_day": Param("2016-12-17", type="string", format="date"),
        "last_day": Param((FIRST_DAY - timedelta(1)).isoformat(), type="string", format="date"),
    },
)
def adsterra_backfill() -> None:
    """Read every account's past, in concurrent ranges of a year."""

    @task
    def accounts_and_days() -> list[dict[str, str]]:
        params = get_current_context()["params"]
        first, last = (date.fromisoformat(params[name]) for name in ("first_day", "last_day"))
        # Accounts are the inner loop, so that concurrent tasks are of different accounts.
        return [
            {"account": account, "first_day": start.isoformat(), "last_day": end.isoformat()}
            for start, end in ranges(first, last)
            for account in Variable.get("adsterra_accounts", deserialize_json=True)
        ]

    # A failed attempt leaves its state to the next one. A range that was read needs no state, and
    # without one, running it again reads all of it.
    ReadAccount.partial(
        task_id="read",
        bash_command=f"meltano el tap-adsterra {LOADER} --exclude domains --exclude placements"
        ' --exclude smart_links && meltano state clear --force "$MELTANO_STATE_ID"',
        map_index_template="{{ task.account }} {{ task.first_day }}",
        max_active_tis_per_dag=RANGES_AT_A_TIME,
    ).expand_kwargs(accounts_and_days())


adsterra_daily()
adsterra_backfill()
