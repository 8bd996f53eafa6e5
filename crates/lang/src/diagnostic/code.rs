//! The stable codes of all problems, each with a name and a title of one line.
//!
//! **Invariant:** a code never changes its number or meaning; a problem that is no longer reported leaves a gap.

use std::fmt;

use serde::{Serialize, Serializer};

/// Whether a document can be used in spite of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but it may not do what was meant.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

macro_rules! codes {
    ($($number:literal $name:ident $title:literal)*) => {
        /// Which problem a diagnostic is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(
                #[doc = concat!($number, ": ", $title)]
                $name,
            )*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as users see and search it, such as `DL0201`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $number,)*
                }
            }

            /// The name in the program.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// What the problem is, in one line.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)*
                }
            }
        }
    };
}

impl Code {
    /// Whether the problem makes a document unusable: all do but those numbered 09xx and 10xx.
    #[must_use]
    pub fn severity(self) -> Severity {
        let number = self.as_str();
        if number.starts_with("DL09") || number.starts_with("DL10") { Severity::Warning } else { Severity::Error }
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

codes! {
    // Text and syntax.
    "DL0101" YamlSyntax "the document is not valid YAML or JSON"
    "DL0102" NotUtf8 "the document is not UTF-8 text"
    "DL0103" ControlCharacter "a control character stands in the document"
    "DL0104" DocumentTooLarge "the document is too large"
    "DL0105" ScalarTooLarge "a text in the document is too long"
    "DL0106" TooDeep "the document is nested too deeply"
    "DL0107" TooManyNodes "the document is too large once its aliases are followed"
    "DL0108" TagRefused "tags have no meaning in flows"
    "DL0109" SeveralDocuments "one file holds one flow"
    "DL0110" EmptyDocument "the document is empty"
    "DL0111" UnknownAnchor "an alias names no anchor"
    "DL0112" KeyNotText "a key is not a text"
    "DL0113" TabIndent "a line is indented with a tab"
    "DL0114" NewerLanguage "the flow is written in a newer language"
    "DL0115" NumberTooLarge "a number has no exact place in 64 bits"
    "DL0116" NotAFlow "the document is not a flow"

    // Keys and types.
    "DL0201" UnknownKey "a key is not known here"
    "DL0202" DuplicateKey "a key is written twice"
    "DL0203" MissingKey "a required key is missing"
    "DL0204" WrongType "a value has the wrong type"
    "DL0205" NoForm "a step does not say what it does"
    "DL0206" SeveralForms "a step says more than one thing that it does"
    "DL0207" BadId "an id is not a valid name"
    "DL0208" BadName "a name is not valid"
    "DL0209" MisplacedKey "a key belongs to another kind of step"
    "DL0210" UnknownChoice "a value is none of those that are known"
    "DL0211" OutOfRange "a number is outside its range"
    "DL0212" EmptyBlock "a block has nothing in it"
    "DL0213" DefaultArmNotLast "only the last arm of a switch may lack its condition"
    "DL0214" BadSecretName "a secret's name is not valid"

    // Names and references.
    "DL0301" DuplicateId "two steps have the same id"
    "DL0302" ReservedId "an id is a word of the language"
    "DL0303" UnknownNeed "a step needs a step that does not exist"
    "DL0304" Cycle "steps need each other in a circle"
    "DL0305" UnknownName "an expression uses an unknown name"
    "DL0306" UnknownInput "an expression uses an unknown input"
    "DL0307" UnknownVar "an expression uses an unknown variable"
    "DL0308" InsideBlock "an expression reaches into a block"
    "DL0309" MayNotHaveRun "an expression uses a step that may not have run"
    "DL0310" NotBefore "an expression uses a step that need not have ended before"
    "DL0311" SelfReference "a step uses itself"
    "DL0312" NeedOutsideList "a step needs a step of another list"
    "DL0313" UnknownRunField "an expression uses an unknown field of the run"
    "DL0314" ErrorOutsideCatch "the error is known only in `catch`"
    "DL0315" LastOutsideWhile "the last iteration is known only in `while`"
    "DL0316" NameTaken "a name stands for something else already"
    "DL0317" UnknownField "an expression uses a field that the value does not have"

    // Kinds.
    "DL0401" UnknownKind "a kind is not known"
    "DL0402" WithInvalid "a parameter does not fit the kind"
    "DL0403" UnknownParameter "a parameter is not known to the kind"
    "DL0404" MissingParameter "a required parameter is missing"
    "DL0405" NotForInlineKind "a policy has no meaning for a kind that runs inside the engine"

    // Expressions.
    "DL0501" ExpressionSyntax "an expression cannot be read"
    "DL0502" UnclosedExpression "an expression is not closed"
    "DL0503" EmptyExpression "an expression is empty"
    "DL0504" UnknownFilter "a filter is not known"
    "DL0505" UnknownFunction "a function is not known"
    "DL0506" UnknownTest "a test is not known"
    "DL0507" ExpressionType "an expression has the wrong type for its place"
    "DL0509" NotAnExpression "a condition is a plain text"
    "DL0510" ExpressionTooLong "an expression is too long or too deeply nested"
    "DL0511" NotConstant "an expression stands where only a constant may"
    "DL0512" BadArguments "a filter, test or function gets the wrong arguments"
    "DL0513" NotCallable "something is called that is not a function"

    // Limits and values.
    "DL0601" BadDuration "a duration is not valid"
    "DL0602" BadCron "a cron expression is not valid"
    "DL0603" BadTimeZone "a time zone is not known"
    "DL0604" BadSchema "a JSON Schema is not valid"
    "DL0605" BadDefault "a default does not fit its schema"
    "DL0606" LoopWithoutCondition "a loop has no condition"
    "DL0607" LimitOutOfRange "a limit is outside what is allowed"
    "DL0608" BadInstant "an instant is not valid"
    "DL0609" BadTriggerInput "a trigger gives inputs that do not fit"
    "DL0610" BadWebhook "a webhook's path or method is not valid"
    "DL0612" JoinTooLarge "a join waits for more branches than there are"
    "DL0613" TooManyNeeds "the steps of a flow need each other too often"

    // Secrets.
    "DL0701" SecretExposed "a secret would be seen where it must not"
    "DL0702" SecretsAsWhole "secrets are used by name only"

    // Sub-flows.
    "DL0801" SubFlowUnknown "a sub-flow cannot be found"
    "DL0802" SubFlowInvalid "a sub-flow has errors"
    "DL0803" SubFlowEndless "a sub-flow calls itself without an end"
    "DL0804" SubFlowInput "the inputs of a sub-flow do not fit"
    "DL0805" SubFlowReference "a sub-flow is not named as it should be"
    "DL0806" SubFlowTooDeep "sub-flows are nested too deeply"
    "DL0807" SubFlowOutput "a sub-flow has no such output"
    "DL0808" SubFlowDetached "a detached sub-flow has no outputs"

    // Warnings.
    "DL0901" Unreachable "a step can never run"
    "DL0902" ConstantCondition "a condition is always the same"
    "DL0903" Unused "something is never used"
    "DL0904" NoEffect "a setting has no effect"
    "DL0905" RepeatedNeed "a need is written twice"
    "DL0906" NoSteps "the flow has no steps"
    "DL0907" LooksLikeExpression "a text looks like an expression of another language"
    "DL0908" Shadowed "a name hides another"
    "DL0910" DiscouragedStyle "there is a better way to write it"
    "DL0911" SubFlowRecursive "a sub-flow may call itself again and again"

    // Foreign documents.
    "DL1002" ForeignUnknownNode "a foreign node has no counterpart"
    "DL1003" ForeignConnection "a foreign connection leads nowhere"
    "DL1004" ForeignVariable "a foreign variable has no counterpart"
    "DL1006" ForeignDuplicate "two foreign nodes have the same id"
    "DL1007" ForeignMissing "a foreign node lacks what it needs"
    "DL1008" ForeignType "a foreign value has the wrong type"
    "DL1051" ForeignNotMapped "a part of the foreign document was left out"
    "DL1052" ForeignApproximated "a part of the foreign document means something slightly else here"
    "DL1053" ForeignRenamed "a foreign name was changed"
}
