-- The days whose rows differ from the last control totals, by number or sum: no rows in the answer is the proof.
--
-- Something between the tap and the table has lost, doubled or changed rows; or a run has ended while it replaced them,
-- and the next one completes the day; or an older output was loaded last. To repair a day, read it again. A stream
-- map that filters rows (__filter__) leaves all its days unproven: control totals are of what the network sent. Columns
-- with stored_ are of the rows that count, the others of the totals. Days without control totals are not listed.
-- Reads views of ../views.sql. Runs on DuckDB and PostgreSQL.
select
    report,
    date,
    currency,
    read_at,
    row_count,
    stored_rows,
    impressions,
    stored_impressions,
    clicks,
    stored_clicks,
    amount,
    stored_amount
from day_proofs
where not is_proven
order by report, date, currency
