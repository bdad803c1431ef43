//! How a denial is worded: `User: … is not authorized to perform: …`, with the layer that said no.

use super::evaluate::{Decision, Layer, Verdict};

/// Words a denial as IAM, STS, Cognito and SES's control operations do. SES's sends have their own words.
pub fn denial_text(decision: &Decision, caller_arn: &str, action: &str, resource: &str) -> String {
    let because = match (decision.verdict, decision.layer) {
        (Verdict::ExplicitDeny, layer) => {
            let (article, layer) = match layer {
                Layer::Identity => ("an", "identity-based policy"),
                Layer::Boundary => ("a", "permissions boundary"),
                Layer::Session => ("a", "session policy"),
                Layer::Resource => ("a", "resource-based policy"),
            };
            let arn = decision.policy.as_ref().filter(|name| name.starts_with("arn:"));
            let arn = arn.map(|arn| format!(": {arn}")).unwrap_or_default();
            format!("with an explicit deny in {article} {layer}{arn}")
        }
        (_, layer) => {
            let layer = match layer {
                Layer::Identity => "identity-based policy",
                Layer::Boundary => "permissions boundary",
                Layer::Session => "session policy",
                Layer::Resource => "resource-based policy",
            };
            format!("because no {layer} allows the {action} action")
        }
    };
    format!("User: {caller_arn} is not authorized to perform: {action} on resource: {resource} {because}")
}

/// Words the denial of AssumeRole, which never says why.
pub fn assume_role_denial(caller_arn: &str, role_arn: &str) -> String {
    format!("User: {caller_arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_names_its_layer_and_a_managed_policy() {
        let decision = |verdict, layer, policy: Option<&str>| Decision {
            verdict,
            layer,
            policy: policy.map(str::to_owned),
            statement: None,
            unmet: Vec::new(),
        };
        let said = |decision| denial_text(&decision, "U", "ses:SendEmail", "R");
        assert_eq!(
            said(decision(Verdict::ImplicitDeny, Layer::Identity, None)),
            "User: U is not authorized to perform: ses:SendEmail on resource: R because no identity-based \
             policy allows the ses:SendEmail action"
        );
        assert!(
            said(decision(Verdict::ExplicitDeny, Layer::Identity, Some("arn:aws:iam::aws:policy/X")))
                .ends_with(" with an explicit deny in an identity-based policy: arn:aws:iam::aws:policy/X")
        );
        assert!(
            said(decision(Verdict::ExplicitDeny, Layer::Resource, Some("inline")))
                .ends_with(" with an explicit deny in a resource-based policy")
        );
        assert!(
            said(decision(Verdict::ImplicitDeny, Layer::Boundary, None))
                .ends_with(" because no permissions boundary allows the ses:SendEmail action")
        );
    }
}
