{{ config(severity='warn') }}
{#- Days whose rows are not those of their last control totals: read them again. -#}
select * from {{ ref('readings') }}
where status = 'differing'
