//! Items in groups, both in the order in which they come.

/// The items by their keys: groups in the order of their first items.
pub(crate) fn grouped<T: Copy, K: PartialEq>(
    items: impl IntoIterator<Item = T>,
    key: impl Fn(T) -> K,
) -> Vec<(K, Vec<T>)> {
    let mut groups = Vec::<(K, Vec<T>)>::new();
    for item in items {
        let key = key(item);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.push(item),
            None => groups.push((key, vec![item])),
        }
    }
    groups
}

/// Each item once, in the order in which they first come.
pub(crate) fn distinct<T: Copy + PartialEq>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    grouped(items, |item| item).into_iter().map(|(item, _)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_their_items_keep_their_order() {
        assert_eq!(grouped([5, 2, 3, 4], |n| n % 2), [(1, vec![5, 3]), (0, vec![2, 4])]);
        assert_eq!(distinct(["b", "a", "b"]), ["b", "a"]);
    }
}
