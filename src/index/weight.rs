//! How much a word distinguishes entries from each other.

use super::{bm25, sounds::Count};
use crate::text::is_han;
use rustc_hash::FxHashSet;
use std::sync::LazyLock;

/// Words of questions that say nothing about their subject. They count a little: 多久 and 几个 ask different things.
pub(super) const FUNCTION_WORDS: &str = "的 了 吗 呢 啊 呀 吧 么 嘛 哦 呗 什么 怎么 怎样 怎么样 怎么办 咋 咋办 咋样 如何 为什么 为何 为啥 啥 干嘛 \
    哪 哪里 哪儿 哪个 哪些 谁 是 是不是 有 有没有 在 和 与 或 或者 及 我 我们 你 你们 您 他 它 自己 请问 请 客户 客服 想 想要 能 能不能 \
    能否 可以 可不可以 可否 行 行不行 要 要不要 需要 需不需要 用不用 应该 该 得 必须 一定 一下 一个 1 个 这 那 这个 那个 这种 \
    这样 那样 这些 那些 就 就是 都 也 还 还是 还要 到 从 把 被 给 给我 对 对于 会 会不会 去 来 上 下 里 里面 做 办 弄 搞 用 \
    多少 几 几个 几个月 几天 几次 几台 几年 几月 几号 几家 几条 几种 几位 多久 多长时间 时候 什么时候 之后 以后 后 前 时 如果 但是 但 因为 所以 而 而且 并 以及 等 让 叫 说 看 吧 呗 \
    至少 最少 最多 起码 哪天 啥时候 何时 之前 以前 已经 现在 目前 老 老是 一直 总 总是 又 再 才 只 只有 跟 同 比 很 太 最 不 没 没有 无法 问题 情况 方法 原因 办法 what how \
    why where when which who whose whom is are was were be been being am do does did doing done can could will would shall should may might must i me my mine we us our you your he she they them their it its this that these those there here the a an to of in on at by for from with without about into over under between through and or but if then than as so because while until before after again also just only very too more most much many any all some no not yes please help tell know want get got have has had having use used using make take still already yet ever never need needs needed required require customer customers say says said ask asks hear way thing something anything actually really exactly simply basically currently instead anyway maybe perhaps possible allowed supposed case okay ok hi hello thanks";

/// What a question asks for: how long, how many, who, where, why, how. They weigh more than other function words.
const INTERROGATIVES: &str = "多久 多长时间 几天 什么时候 啥时候 何时 哪天 时候 多少 几 几个 几个月 几次 几台 几年 几月 几号 几家 几条 几种 几位 \
    谁 哪里 哪儿 在哪 为什么 为何 为啥 原因 怎么 怎么办 咋办 如何 怎样 什么 啥 哪个 哪些 最少 最多 至少 what how why where when which who";

/// How much a function word weighs, an interrogative, and a word that the library calls weak.
pub(crate) const FUNCTION_WEIGHT: f32 = 0.1;
const INTERROGATIVE_WEIGHT: f32 = 0.5;
const WEAK_WEIGHT: f32 = 0.3;
/// A single Chinese character is seldom a word by itself.
const SINGLE_WEIGHT: f32 = 0.5;

/// Entries that are imagined besides those there are, none of which has the word. Without them, a word that one of
/// three entries has would weigh next to nothing beside one that none has.
const IMAGINED: f32 = 50.0;

/// From so many times in each entry that has it on, a word counts whole. Words of the subject come again where they stand
/// (分公司 5 times on average), words of talking do not (看一遍, 这边), however rare they are.
const GATHERED: f32 = 4.0;

/// Weighs words by the entries that have them.
pub(super) struct Weigher<'i> {
    /// Words that every question has.
    pub(super) weak: &'i [String],
    /// How many entries there are.
    pub(super) entries: u64,
    /// The sums over all words.
    pub(super) all: Count,
}

impl Weigher<'_> {
    /// The weight of a word that stands so often, from 0.
    pub(super) fn weigh(&self, word: &str, count: Count) -> f32 {
        let scale = if is_interrogative(word) {
            INTERROGATIVE_WEIGHT
        } else if is_function(word) {
            FUNCTION_WEIGHT
        } else if self.weak.iter().any(|weak| weak == word) {
            WEAK_WEIGHT
        } else if word.chars().map(is_han).eq([true]) {
            SINGLE_WEIGHT
        } else {
            1.0
        };
        // A word that no entry has may be of either kind.
        let like = if count.documents == 0 { self.all } else { count };
        rarity(self.entries, count.documents.into()) * scale * self.gathered(like)
    }

    /// From 0 to 1: how much a word comes again in the entries that have it. Church and Gale call the ratio
    /// burstiness ("Poisson mixtures", 1995). Few entries say little of that, so the imagined ones have all words often.
    fn gathered(&self, Count { documents, occurrences, .. }: Count) -> f32 {
        let often = (occurrences as f32 / documents.max(1) as f32).max(1.0);
        let scattered = (1.0 - often.ln() / GATHERED.ln()).max(0.0);
        let all = self.entries as f32;
        1.0 - scattered * all / (all + IMAGINED)
    }
}

/// How much a word or a pair of characters distinguishes so many entries if so many have it: the inverse document frequency, with
/// the imagined entries.
pub(super) fn rarity(entries: u64, having: u64) -> f32 {
    bm25::rarity(entries as f32 + IMAGINED, having as f32)
}

/// Whether a word says nothing about the subject of a question.
pub(crate) fn is_function(word: &str) -> bool {
    static WORDS: LazyLock<FxHashSet<&str>> =
        LazyLock::new(|| FUNCTION_WORDS.split_whitespace().collect());
    WORDS.contains(word)
}

/// Whether a word asks for something: how long, how many, who.
pub(crate) fn is_interrogative(word: &str) -> bool {
    static WORDS: LazyLock<FxHashSet<&str>> =
        LazyLock::new(|| INTERROGATIVES.split_whitespace().collect());
    WORDS.contains(word)
}
