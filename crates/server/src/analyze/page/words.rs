//! Chinese and English for the codes of findings and rules.

/// Code, Chinese, English.
pub(super) type Words = &'static [(&'static str, &'static str, &'static str)];

/// Both languages; a code without a translation is shown as it is.
pub(super) fn word(words: Words, code: &str) -> String {
    let known = words.iter().find(|(known, _, _)| *known == code);
    known.map_or_else(|| code.replace('_', " "), |(_, chinese, english)| format!("{chinese} {english}"))
}

/// The abbreviation of a finding on the strip.
pub(super) fn short(code: &str) -> &str {
    SHORT.iter().find(|(known, _)| *known == code).map_or(code, |(_, short)| short)
}

const SHORT: &[(&str, &str)] = &[
    ("acceleration", "A"),
    ("deceleration", "D"),
    ("early_deceleration", "ED"),
    ("late_deceleration", "LD"),
    ("variable_deceleration", "VD"),
    ("prolonged_deceleration", "PD"),
    ("communication_loss", "COM 中断"),
    ("signal_loss", "LOSS 丢失"),
    ("tachysystole", "TS 过频"),
    ("low_heart_rate", "LOW 低"),
    ("tachycardia", "TACHY 过速"),
    ("bradycardia", "BRADY 过缓"),
    ("reduced_variability", "VAR↓"),
    ("increased_variability", "VAR↑"),
    ("sinusoidal", "SIN 正弦"),
    ("false_signal", "MHR?"),
    ("twin_coincidence", "TWIN="),
    ("rate_jump", "JUMP 跳变"),
];

pub(super) const CONDITIONS: Words = &[
    ("communication_loss", "通信中断", "communication lost"),
    ("signal_loss", "信号丢失", "signal lost"),
    ("acceleration", "加速", "acceleration"),
    ("deceleration", "减速", "deceleration"),
    ("early_deceleration", "早期减速", "early dec."),
    ("late_deceleration", "晚期减速", "late dec."),
    ("variable_deceleration", "变异减速", "variable dec."),
    ("prolonged_deceleration", "延长减速", "prolonged dec."),
    ("contraction", "宫缩", "contraction"),
    ("tachysystole", "宫缩过频", "tachysystole"),
    ("low_heart_rate", "胎心率过低", "low rate"),
    ("tachycardia", "心动过速", "tachycardia"),
    ("bradycardia", "心动过缓", "bradycardia"),
    ("reduced_variability", "变异减少", "reduced variab."),
    ("increased_variability", "变异增加", "increased variab."),
    ("sinusoidal", "正弦波形", "sinusoidal"),
    ("false_signal", "疑为母体心率", "false signal"),
    ("twin_coincidence", "双胎信号重合", "twins alike"),
    ("rate_jump", "倍减跳变", "rate jump"),
];

pub(super) const GRADES: Words = &[
    ("uninterpretable", "无法判读", "uninterpretable"),
    ("limited", "信号受限", "signal limited"),
    ("adequate", "信号良好", "signal adequate"),
];

pub(super) const RULE_SETS: Words = &[
    ("china2015_nst", "中国 2015 NST", "China 2015"),
    ("china2015_cst", "中国 2015 CST/OCT", "China 2015"),
    ("china2015_tiers", "中国 2015 三级", "China 2015 tiers"),
    ("figo2015", "FIGO", "2015"),
    ("nichd2008", "NICHD/ACOG", "2008"),
    ("nice_ng229", "NICE", "NG229"),
    ("dawes_redman", "Dawes-Redman", "criteria"),
    ("fischer1976", "Fischer 评分", "1976"),
    ("krebs1979", "Krebs 评分", "1979"),
    ("china_nst_score", "NST 评分", "China NST score"),
];

pub(super) const CLASSES: Words = &[
    ("normal", "正常", "normal"),
    ("suspicious", "可疑", "suspicious"),
    ("pathological", "病理", "pathological"),
    ("atypical", "不典型", "atypical"),
    ("abnormal", "异常", "abnormal"),
    ("negative", "阴性", "negative"),
    ("positive", "阳性", "positive"),
    ("suspicious_tachysystole", "可疑 过频", "suspicious, tachysystole"),
    ("category_1", "I 类", "category I"),
    ("category_2", "II 类", "category II"),
    ("category_3", "III 类", "category III"),
    ("met", "符合", "met"),
    ("not_met", "不符合", "not met"),
];

pub(super) const RULES: Words = &[
    ("baseline", "基线", "baseline"),
    ("basal_heart_rate", "基础心率", "basal rate"),
    ("variability", "变异", "variability"),
    ("absent_variability", "变异消失", "absent variability"),
    ("reduced_variability", "变异减少", "reduced variability"),
    ("increased_variability", "变异增加", "increased variability"),
    ("high_variation", "高变异", "high variation"),
    ("amplitude", "振幅", "amplitude"),
    ("oscillations", "摆动", "oscillations"),
    ("sinusoidal", "正弦波形", "sinusoidal"),
    ("stv16", "短变异 STV16", "STV16"),
    ("accelerations", "加速", "accelerations"),
    ("accelerations_20_min", "20 分钟加速", "accelerations, 20 min"),
    ("accelerations_40_min", "40 分钟加速", "accelerations, 40 min"),
    ("accelerations_80_min", "80 分钟加速", "accelerations, 80 min"),
    ("baseline_rise", "基线上升", "baseline rise"),
    ("bradycardia", "心动过缓", "bradycardia"),
    ("tachycardia", "心动过速", "tachycardia"),
    ("contractions", "宫缩", "contractions"),
    ("contractions_of_40_s", "40 秒宫缩", "contractions of 40 s"),
    ("longest_contraction", "最长宫缩", "longest contraction"),
    ("shortest_contraction_interval", "最短宫缩间隔", "shortest interval"),
    ("late_decelerations", "晚期减速", "late dec."),
    ("variable_decelerations", "变异减速", "variable dec."),
    ("prolonged_decelerations", "延长减速", "prolonged dec."),
    ("late_and_variable_decelerations", "晚期与变异减速", "late and variable dec."),
    ("late_or_prolonged_decelerations", "晚期或延长减速", "late or prolonged dec."),
    ("longest_deceleration", "最长减速", "longest dec."),
    ("longest_variable_deceleration", "最长变异减速", "longest variable dec."),
    ("longest_variable_or_prolonged_deceleration", "最长变异或延长减速", "longest variable/prolonged"),
    ("largest_deceleration", "最大减速", "largest dec."),
    ("largest_deceleration_after_30_min", "30 分钟后最大减速", "largest dec. after 30 min"),
    ("decelerations_not_early", "非早期减速", "dec. other than early"),
    ("decelerations_at_the_end", "末段减速", "dec. at the end"),
    ("decelerations_without_uterine_activity", "减速(无宫缩记录)", "dec. without toco"),
    ("loss_at_the_end", "末段丢失", "loss at the end"),
    ("concerning_variable_decelerations", "重度变异减速", "concerning variable dec."),
    ("repetitive_concerning_variable_decelerations", "反复重度变异减速", "repetitive concerning"),
    ("repetitive_decelerations", "反复减速", "repetitive dec."),
    ("repetitive_late_or_prolonged_30_min", "反复晚期/延长 30 分钟", "late/prolonged, 30 min"),
    ("repetitive_late_or_prolonged_20_min_with_reduced_variability", "反复晚期/延长 20 分钟", "late/prolonged, 20 min"),
    ("recurrent_late", "反复晚期减速", "recurrent late dec."),
    ("recurrent_variable", "反复变异减速", "recurrent variable dec."),
    ("movements", "胎动", "movements"),
    ("movements_instead_of_accelerations", "以胎动代加速", "movements for accelerations"),
    ("accelerations_instead_of_movements", "以加速代胎动", "accelerations for movements"),
    ("rise_with_movement_amplitude", "胎动时心率上升", "rise with movement"),
    ("rise_with_movement_duration", "胎动时上升持续", "rise with movement"),
];

#[cfg(test)]
mod tests {
    use ctg::FindingKind;
    use signal::rules::RuleSet;

    use super::*;

    #[test]
    fn every_finding_and_rule_set_has_words() {
        for kind in FindingKind::ALL {
            assert!(CONDITIONS.iter().any(|(code, _, _)| *code == kind.code()), "{}", kind.code());
            let short_enough = kind.code() == "contraction" || short(kind.code()) != kind.code();
            assert!(short_enough, "{}", kind.code());
        }
        for rules in RuleSet::ALL {
            assert!(RULE_SETS.iter().any(|(code, _, _)| *code == rules.code()), "{}", rules.code());
        }
    }

    #[test]
    fn an_unknown_code_is_shown_as_it_is() {
        assert_eq!(word(RULES, "something_new"), "something new");
        assert_eq!(word(RULES, "movements"), "胎动 movements");
    }
}
