//! Documents that are no trees, or no flows.

use crate::said::check;

#[test]
fn what_is_no_yaml_is_explained() {
    check(
        "drawloom: 1\nname: t\nsteps:\n\t- id: a\n",
        "\
        DL0113 4:1 '\t' a tab cannot indent in YAML (indent with spaces)",
    );
    check(
        "drawloom: 1\nname: {{ inputs.x }}/y\n",
        "\
        DL0112 2:7 '{{ inputs.x }}' an expression without quotes is an object to YAML (put the whole text into quotes: \"{{ inputs.x }}\")",
    );
    check(
        "drawloom: 1\nname: a: b\n",
        "\
        DL0101 2:8 ':' this cannot be read as YAML: mapping values are not allowed in this context (a text that contains `: ` goes into quotes)",
    );
    check(
        "drawloom: 1\nname: t\n  steps: []\n",
        "\
        DL0101 3:8 ':' this cannot be read as YAML: mapping values are not allowed in this context (look at the indentation: the keys of one object, and the `-` of one list, stand in one column)",
    );
    check(
        "drawloom: 1\nsteps:\n  - id: a\n   uses: log\n",
        "\
        DL0101 4:4 'u' this cannot be read as YAML: while parsing a block collection, did not find expected '-' indicator (look at the indentation: the keys of one object, and the `-` of one list, stand in one column)",
    );
    check(
        "drawloom: 1\nname: \"t\nsteps: []\n",
        "\
        DL0101 2:7 '\"' this cannot be read as YAML: invalid indentation in quoted scalar (a quote is not closed)",
    );
    check(
        "\"drawloom: 1",
        "\
        DL0101 1:1 '\"' this cannot be read as YAML: while scanning a quoted scalar, found unexpected end of stream (a quote is not closed)",
    );
    check(
        "drawloom: 1\nname: @t\n",
        "\
        DL0101 2:7 '@' this cannot be read as YAML: unexpected character: `@' (a text that begins with this sign goes into quotes)",
    );
    check(
        "drawloom: 1\nname: *t\n",
        "\
        DL0111 2:7 '*' this alias names no anchor before it",
    );
    check(
        "{\"drawloom\": 1, \"steps\": [}",
        "\
        DL0101 1:27 '}' this cannot be read as YAML: while parsing a node, did not find expected node content",
    );
    check(
        "drawloom: 1\nname: !!str t\n",
        "\
        DL0108 2:7 '!!str t' tags have no meaning in flows (leave the tag out; a text that looks like a number or a boolean goes into quotes)",
    );
    check(
        "drawloom: 1\nname: !secret t\n",
        "\
        DL0108 2:7 '!secret t' tags have no meaning in flows (leave the tag out; a text that looks like a number or a boolean goes into quotes)",
    );
    check(
        "drawloom: 1\n? [a, b]\n: c\n",
        "\
        DL0112 2:3 '[' a key must be a text",
    );
    check(
        "drawloom: 1\n: c\n",
        "\
        DL0112 2:1 '' a key is missing here",
    );
}

#[test]
fn what_is_no_flow_is_explained() {
    check(
        "",
        "\
        DL0110 1:1 '' the document is empty (a flow begins with `drawloom: 1`, `name: …` and `steps: …`)",
    );
    check(
        "# nothing but a comment\n",
        "\
        DL0110 1:1 '' the document is empty (a flow begins with `drawloom: 1`, `name: …` and `steps: …`)",
    );
    check(
        "- a\n",
        "\
        DL0116 1:3 'a' expected a flow (an object), found a list (a flow begins with `drawloom: 1`, `name: …` and `steps: …`)",
    );
    check(
        "just a text",
        "\
        DL0116 1:1 'just a text' expected a flow (an object), found a string (a flow begins with `drawloom: 1`, `name: …` and `steps: …`)",
    );
    check(
        "null",
        "\
        DL0116 1:1 'null' expected a flow (an object), found nothing (a flow begins with `drawloom: 1`, `name: …` and `steps: …`)",
    );
    check(
        "drawloom: 1\nname: t\nsteps: []\n---\ndrawloom: 1\n",
        "\
        DL0109 4:1 '---' a second document begins here; one file holds one flow (put each flow into a file of its own)",
    );
    check(
        "drawloom: 2\nnmae: t\n",
        "\
        DL0114 1:11 '2' the flow is written in a newer language; this drawloom knows version 1 (use a newer drawloom)",
    );
    check(
        "drawloom: 0\nname: t\nsteps: []\n",
        "\
        DL0211 1:11 '0' there is no such version of the language; write `drawloom: 1`",
    );
    check(
        "drawloom: \"1\"\nname: t\nsteps: []\n",
        "\
        DL0204 1:11 '\"1\"' `drawloom`: expected the language's version, 1, found a string",
    );
    check(
        "name: t\nsteps: []\n",
        "\
        DL0203 1:1 'name' a flow needs the key `drawloom`, the version of its language (begin it with `drawloom: 1`)",
    );
    check(
        "{}",
        "\
        DL0203 1:1 '{}' a flow needs the key `drawloom`, the version of its language (begin it with `drawloom: 1`)
        DL0203 1:1 '{}' a flow needs the key `name`
        DL0203 1:1 '{}' a flow needs the key `steps`",
    );
}

#[test]
fn keys_are_written_once() {
    check(
        "drawloom: 1\nname: t\nsteps: []\nvars: {a: 1, b: 2, \"a\": 3, a: 4}\nname: u\n",
        "\
        DL0202 4:20 '\"a\"' the key `a` is written twice [4: first written here]
        DL0202 4:28 'a' the key `a` is written twice [4: first written here]
        DL0202 5:1 'name' the key `name` is written twice [2: first written here]",
    );
    check("drawloom: 1\nname: t\nsteps: []\nvars: &v {a: 1}\nlabels: {<<: *v}\nlimits: {<<: *v}\n", "\
        DL0204 4:11 'a' label `<<`: expected a string, found an object
        DL0201 6:10 '<<' unknown key `<<` in `limits` (YAML 1.2 has no merge keys; what all task steps share goes into `defaults`)");
}

#[test]
fn numbers_fit_64_bits() {
    check(
        "drawloom: 1\nname: t\nsteps: []\nvars: [1, -1.5e3, 0xff]\n",
        "\
        DL0204 4:8 '1' `vars`: expected an object of names and values, found a list",
    );
    check("drawloom: 1\nname: t\nsteps: []\nvars: {a: .inf, b: 18446744073709551616, c: 1e400, d: 18446744073709551615}\n", "\
        DL0115 4:11 '.inf' .inf is no number in JSON (put it into quotes to have it as a text)
        DL0115 4:20 '18446744073709551616' the number 18446744073709551616 does not fit 64 bits (put it into quotes to have it as a text)
        DL0115 4:45 '1e400' the number 1e400 does not fit 64 bits (put it into quotes to have it as a text)");
}

#[test]
fn every_spelling_of_a_text_file_is_read() {
    for document in [
        "\u{feff}drawloom: 1\nname: t\nsteps: []\n",
        "drawloom: 1\r\nname: t\r\nsteps: []\r\n",
        "%YAML 1.2\n---\ndrawloom: 1\nname: t\nsteps: []\n...\n",
        "{\"drawloom\": 1, \"name\": \"t\",\n\t\"steps\": []}",
        "  {\"drawloom\":1,\"name\":\"t\",\"steps\":[]}\n",
        "--- # comment\ndrawloom: 1 # comment\nname: &n t\ndescription: *n\nsteps: []",
    ] {
        check(document, "");
    }
    check("\u{feff}nmae: t\r\ndrawloom: 1\r\nsteps: []\r\nfoo: 1", "\
        DL0201 1:1 'nmae' unknown key `nmae` in a flow (did you mean `name`?)
        DL0201 4:1 'foo' unknown key `foo` in a flow (known here: `drawloom`, `name`, `description`, `labels`, `inputs`, `vars`, `defaults`, `limits`, `triggers`, `steps`, `outputs`)");
}
