{#
    The columns of a table that a tap has loaded.

    Without the table, because its stream is not selected, the models over it are empty, and a warning says so. A table
    without one of the columns ends the run: sums without it would be wrong in silence.
#}
{% macro source_table(network, stream, columns) %}
    {%- set relation = source(network, stream) -%}
    {%- set found = none -%}
    {%- if execute -%}
        {%- set found = adapter.get_relation(relation.database, relation.schema, relation.identifier) -%}
    {%- endif -%}
    {%- if found is not none -%}
        {%- do check_columns(found, columns, network, stream) -%}
        select {{ columns | join(', ') }}
        from {{ relation }}
    {%- else -%}
        {%- if execute -%}
            {%- do exceptions.warn(
                relation.render() ~ " does not exist, so the models over it are empty. To have them, select the stream "
                ~ stream ~ " of tap-" ~ network ~ " and run it."
            ) -%}
        {%- endif -%}
        select
        {%- for column in columns %}
            cast(null as {{ dbt.type_string() }}) as {{ column }}{{ "," if not loop.last }}
        {%- endfor %}
        limit 0
    {%- endif -%}
{% endmacro %}


{# End the run if a table lacks columns, and say what to do. #}
{% macro check_columns(relation, columns, network, stream) %}
    {%- set names = adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list -%}
    {%- set missing = columns | reject('in', names) | list -%}
    {%- if 'extracted_at' in missing -%}
        {%- do exceptions.raise_compiler_error(
            relation.render() ~ " has no column extracted_at: an older version of tap-" ~ network ~ " has written it. Run the"
            ~ " present version once (meltano run tap-" ~ network ~ " and your loader), which adds the column; then run dbt"
            ~ " again."
        ) -%}
    {%- elif missing -%}
        {%- do exceptions.raise_compiler_error(
            relation.render() ~ " has no column " ~ missing | join(', ') ~ ": select these fields of the stream " ~ stream
            ~ " of tap-" ~ network ~ ", and run it."
        ) -%}
    {%- endif -%}
{% endmacro %}
