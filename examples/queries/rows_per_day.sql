-- How many rows each stream has for each day, in the newest reading of the day.
--
-- Reads views of ../views.sql. Runs on DuckDB and PostgreSQL.
select report as stream, date, count(*) as rows
from counted_rows
group by report, date
order by report, date
