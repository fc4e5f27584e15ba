"""Write what the models say of their columns: ``make descriptions``.

The texts are those of the folder ``schemas``. From them come the docs blocks and the sources of the
package, and with the files of the models the data dictionary in ``docs/dbt.md``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from tap_adcloud.tap import TapAdcloud
from tap_adsterra.tap import TapAdsterra

PROJECT = Path(__file__).resolve().parent.parent.parent
MODELS = PROJECT / "dbt" / "models"
PAGE = PROJECT / "docs" / "dbt.md"
BEGIN, END = "<!-- data dictionary: from make descriptions -->", "<!-- end of data dictionary -->"
#: The taps, and the streams that the models read.
STREAMS = {
    "adsterra": (
        TapAdsterra,
        ("stats", "stats_by_country", "stats_by_sub_id", "domains", "placements", "control_totals"),
    ),
    "adcloud": (
        TapAdcloud,
        ("advertiser_report", "campaigns", "advertisements", "customers", "control_totals"),
    ),
}
#: Folders whose models are described in the data dictionary.
REPORTS = ("adsterra", "adcloud", "ad_reporting")
HEAD = "Made by `make descriptions` from schemas/: change the texts there, not here."
#: The condition for the control totals of a network, if both networks have them in one table.
FILTERS = {"adsterra": "report <> 'advertiser_report'", "adcloud": "report = 'advertiser_report'"}


def schema(network: str, stream: str) -> dict[str, Any]:
    """Return the schema of a stream. All of Adsterra's reports are in one file."""
    name = "stats" if stream.startswith("stats") else stream
    path = PROJECT / "schemas" / network / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def fields(network: str, stream: str) -> list[str]:
    """Return the fields of a stream, in the order of its schema."""
    tap = STREAMS[network][0](config={}, validate_config=False)
    properties = tap.streams[stream].schema["properties"]
    return [field for field in schema(network, stream)["properties"] if field in properties]


def docs(network: str) -> str:
    """Return a docs block for each field of a network."""
    blocks = {}
    for stream in STREAMS[network][1]:
        for field, described in schema(network, stream)["properties"].items():
            name = "stats" if stream.startswith("stats") else stream
            text = described["description"]
            blocks[f"{network}_{name}_{field}"] = text
    lines = [f"{{% docs {name} %}}{text}{{% enddocs %}}" for name, text in blocks.items()]
    return f"<!-- {HEAD} -->\n\n" + "\n\n".join(lines) + "\n"


def sources(network: str) -> str:
    """Return the sources of a network, with their columns."""
    lines = [
        f"# {HEAD}",
        "sources:",
        f"  - name: {network}",
        f"    description: What tap-{network} has loaded.",
        f"    database: \"{{{{ var('{network}_database', target.database) }}}}\"",
        f"    schema: \"{{{{ var('{network}_schema', target.schema) }}}}\"",
        "    config:",
        f"      enabled: \"{{{{ var('{network}_enabled', true) | as_bool }}}}\"",
        "    tables:",
    ]
    for stream in STREAMS[network][1]:
        name = "stats" if stream.startswith("stats") else stream
        lines += [f"      - name: {stream}", f"        description: {text_of(network, stream)}"]
        if stream == "control_totals":
            lines += [
                "        config:",
                "          loaded_at_field: cast(extracted_at as timestamp)",
                "          freshness:",
                "            warn_after: {count: 36, period: hour}",
                "            error_after: {count: 4, period: day}",
                f"            filter: {FILTERS[network]}",
            ]
        lines.append("        columns:")
        for field in fields(network, stream):
            text = f"\"{{{{ doc('{network}_{name}_{field}') }}}}\""
            lines.append(f"          - {{name: {field}, description: {text}}}")
    return "\n".join(lines) + "\n"


def text_of(network: str, stream: str) -> str:
    """Return what a stream is, as a YAML text."""
    return json.dumps(schema(network, stream)["description"], ensure_ascii=False)


def blocks_of_package() -> dict[str, str]:
    """Return all docs blocks of the package, by their names."""
    found: dict[str, str] = {}
    for path in sorted(MODELS.rglob("*.md")):
        pattern = r"{% docs (\w+) %}(.*?){% enddocs %}"
        for name, text in re.findall(pattern, path.read_text(encoding="utf-8"), flags=re.DOTALL):
            found[name] = " ".join(text.split())
    return found


def dictionary() -> str:
    """Return the tables of the data dictionary: the models that reports are made from."""
    texts = blocks_of_package()

    def resolved(text: str) -> str:
        return re.sub(r"{{ doc\(['\"](\w+)['\"]\) }}", lambda found: texts[found[1]], text)

    parts = []
    for folder in REPORTS:
        for path in sorted((MODELS / folder).glob("*.yml")):
            for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]:
                rows = [
                    f"| `{column['name']}` | {resolved(column['description'])} |"
                    for column in model["columns"]
                ]
                parts.append(f"### {model['name']}\n\n{resolved(model['description'])}\n")
                parts.append("\n".join(["| column | what it is |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def page() -> str:
    """Return the page with its data dictionary."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    return f"{before}{BEGIN}\n\n{dictionary()}\n{END}{after}"


def files() -> dict[Path, str]:
    """Return the content of each file that this script writes to the package."""
    written = {}
    for network in STREAMS:
        folder = MODELS / "staging" / network
        written[folder / f"_{network}__docs.md"] = docs(network)
        written[folder / f"_{network}__sources.yml"] = sources(network)
    return written


def main() -> None:
    """Write the files."""
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
