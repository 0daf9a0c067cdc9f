//! Typical slips in values and tables, and exactly what their author reads.

use super::told;

#[test]
fn a_policy_says_its_version() {
    told(
        "version = 1\n",
        "",
        r#"
error: the policy does not say in which version of the format it is written
 --> policy.toml:1:1
  |
1 | # Who can do what in an emergency.
  | ^ `version` is missing
  |
  = help: begin with `version = 1`
"#,
    );
}

#[test]
fn another_version_is_told_alone() {
    told(
        "version = 1\n",
        "version = 2\nmeople = 3\n",
        r#"
error: the policy is written in version 2, and this program reads version 1
  --> policy.toml:13:11
   |
13 | version = 2
   |           ^ not known here
   |
   = help: write `version = 1`, or use a breakglass that knows this version
"#,
    );
}

#[test]
fn a_misspelt_field_is_told_with_the_one_missing() {
    told(
        "job = \"engineer\"",
        "jbo = \"engineer\"",
        r#"
error: person `mia` has no `job`
  --> policy.toml:23:9
   |
23 | [people.mia]
   |         ^^^ `job` is missing
   |
   = help: add `job = "engineer"`

error: person `mia` has no field `jbo`
  --> policy.toml:25:1
   |
25 | jbo = "engineer"
   | ^^^ unknown field
   |
   = help: did you mean `job`?
"#,
    );
}

#[test]
fn a_field_of_another_format_finds_no_likeness() {
    told(
        "audience = \"https://db.shop.example\"\n",
        "audience = \"https://db.shop.example\"\ntarget = \"db\"\n",
        r#"
error: right `migrate-shop-db` has no field `target`
  --> policy.toml:78:1
   |
78 | target = "db"
   | ^^^^^^ unknown field
   |
   = help: the fields are `sentence`, `risk`, `longest`, `audience`, `ssh`, `postgres`, `kubernetes`, `aws`, `without_witnesses`
"#,
    );
}

#[test]
fn a_length_without_a_unit() {
    told(
        "longest = \"30m\"",
        "longest = 30",
        r#"
error: `longest` of right `deploy-shop` holds a number where a text belongs
  --> policy.toml:58:11
   |
58 | longest = 30
   |           ^^ not a text
   |
   = help: write it like `longest = "30m"`
"#,
    );
}

#[test]
fn a_length_nobody_can_read() {
    told(
        "longest = \"30m\"",
        "longest = \"half an hour\"",
        r#"
error: `longest` of right `deploy-shop` is `half an hour`, which is not a length of time in whole seconds
  --> policy.toml:58:11
   |
58 | longest = "half an hour"
   |           ^^^^^^^^^^^^^^ not a length of time
   |
   = help: write for example `"45s"`, `"15m"` or `"1h 30m"`
"#,
    );
}

#[test]
fn a_right_for_the_whole_day() {
    told(
        "longest = \"30m\"",
        "longest = \"13h\"",
        r#"
error: `longest` of right `deploy-shop` is 13h, and at most 12h is allowed
  --> policy.toml:58:11
   |
58 | longest = "13h"
   |           ^^^^^ longer than 12h
   |
   = help: write `"12h"` or less: emergency access is not daily access
"#,
    );
}

#[test]
fn an_incident_that_never_ends() {
    told(
        "longest = \"8h\"",
        "longest = \"30h\"",
        r#"
error: `longest` of `incidents` is 30h, and at most 24h is allowed
   --> policy.toml:155:11
    |
155 | longest = "30h"
    |           ^^^^^ longer than 24h
    |
    = help: write `"24h"` or less: what takes longer is closed, looked at, and opened anew
"#,
    );
}

#[test]
fn a_sentence_stands_within_others() {
    told(
        "= \"deploy the shop app\"",
        "= \"deploy the shop app.\"",
        r#"
error: `sentence` of right `deploy-shop` ends with a period, but stands in the middle of longer ones
  --> policy.toml:56:12
   |
56 | sentence = "deploy the shop app."
   |            ^^^^^^^^^^^^^^^^^^^^^^ ends with a period
   |
   = help: write `"deploy the shop app"`
"#,
    );
}

#[test]
fn two_rights_that_read_alike() {
    told(
        "= \"deploy the shop app\"",
        "= \"Change the shop database\"",
        r#"
error: `sentence` of right `migrate-shop-db` is the sentence of another right too
  --> policy.toml:74:12
   |
74 | sentence = "change the shop database"
   |            ^^^^^^^^^^^^^^^^^^^^^^^^^^ an approver could not tell them apart
   |
   = help: say what this right does and the other does not
"#,
    );
}

#[test]
fn ids_are_small_letters() {
    told(
        "[people.designer]",
        "[people.\"Dora Designer\"]",
        r#"
error: `Dora Designer` cannot be used: a person's id is 1 to 48 of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or digit
  --> policy.toml:38:9
   |
38 | [people."Dora Designer"]
   |         ^^^^^^^^^^^^^^^ not allowed here
   |
   = help: write `dora-designer`
"#,
    );
}

#[test]
fn nobody_is_called_as_the_broker() {
    told(
        "[people.designer]",
        "[people.breakglass]",
        r#"
error: nothing can be called `breakglass`: in the ledger that is the broker
  --> policy.toml:38:9
   |
38 | [people.breakglass]
   |         ^^^^^^^^^^ taken
   |
   = help: choose another, for example `mia` or `deploy-shop`
"#,
    );
}

#[test]
fn two_people_with_one_id() {
    told(
        "[people.leon]",
        "[people.mia]",
        r#"
error: `mia` is defined twice
  --> policy.toml:28:9
   |
28 | [people.mia]
   |         ^^^ defined above
   |
   = help: keep one of the two, and remove or rename the other
"#,
    );
}

#[test]
fn a_table_by_another_name() {
    told(
        "[incidents]",
        "[incident]",
        r#"
error: the policy has no field `incident`
   --> policy.toml:152:2
    |
152 | [incident]
    |  ^^^^^^^^ unknown field
    |
    = help: did you mean `incidents`?
"#,
    );
}

#[test]
fn a_quote_left_open() {
    told(
        "name = \"Mia\"",
        "name = \"Mia",
        r#"
error: this is not TOML: invalid basic string, expected `"`
  --> policy.toml:24:12
   |
24 | name = "Mia
   |            ^ here
   |
   = help: write texts in quotes, on one line: `name = "Mia"`
"#,
    );
}

#[test]
fn an_escape_in_a_name() {
    told(
        "name = \"Mia\"",
        "name = \"M\\u001bia\"",
        r#"
error: `name` of person `mia` cannot be used: it has the character U+001B, which can change what a terminal shows
  --> policy.toml:24:8
   |
24 | name = "M\u001bia"
   |        ^^^^^^^^^^^ not allowed here
   |
   = help: remove it; plain text on one line is all that fits
"#,
    );
}

#[test]
fn a_raw_escape_is_named_and_not_shown() {
    told(
        "name = \"Mia\"",
        "name = \"M\u{1b}[31mia\"",
        r#"
error: the policy holds the character U+001B, which can change what a terminal shows
--> policy.toml:24:10
 = help: remove it; the line is not shown here for that reason
"#,
    );
}

#[test]
fn a_text_that_turns_its_line_around() {
    told(
        "sentence = \"restart",
        "sentence = \"\u{202e}restart",
        r#"
error: the policy holds the character U+202E, which can change what a terminal shows
--> policy.toml:68:13
 = help: remove it; the line is not shown here for that reason
"#,
    );
}

#[test]
fn values_of_the_wrong_kind() {
    told(
        "[incidents]\n",
        "[people.x]\nname = [\"X\"]\njob = \" x \"\n[people]\ny = \"Y\"\n[incidents]\n",
        r#"
error: `name` of person `x` holds a list where a text belongs
   --> policy.toml:153:8
    |
153 | name = ["X"]
    |        ^^^^^ not a text
    |
    = help: write it like `name = "Mia"`

error: `job` of person `x` begins or ends with white space
   --> policy.toml:154:7
    |
154 | job = " x "
    |       ^^^^^ not allowed here
    |
    = help: write `"x"`

error: person `y` is a text, not a table
   --> policy.toml:156:5
    |
156 | y = "Y"
    |     ^^^ not a table
    |
    = help: write its name in brackets on a line, and its fields below
"#,
    );
}
