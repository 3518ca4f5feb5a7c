//! The numbers of the built-in kinds, known when compiled.

use liuhen_kinds::Kind;

use super::compiled::KindId;

/// The place of a built-in kind in the catalogue.
const fn id(kind: Kind) -> KindId {
    let name = kind.name().as_bytes();
    let mut at = 0;
    while at < Kind::BUILTIN.len() {
        let other = Kind::BUILTIN[at].name().as_bytes();
        let mut same = other.len() == name.len();
        let mut byte = 0;
        while same && byte < name.len() {
            same = name[byte] == other[byte];
            byte += 1;
        }
        if same {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "there are fewer than 128 kinds"
            )]
            return at as KindId;
        }
        at += 1;
    }
    0
}

macro_rules! ids {
    ($($name:ident)*) => { $(pub(super) const $name: KindId = id(Kind::$name);)* };
}

ids! {
    RESIDENT_ID FOREIGNER_ID HK_MO_TW_RESIDENCE PASSPORT HK_MO_PERMIT TW_PERMIT MILITARY_ID
    MOBILE LANDLINE EMAIL BANK_CARD PERSON_NAME ADDRESS ORGANISATION PLATE VIN IMEI IMSI ICCID
    MAC IP GPS GEO_TRACE WECHAT_ID TELEGRAM WAYBILL STUDENT_ID WALLET_ADDRESS USCC ORG_CODE OTP DATE_OF_BIRTH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_places_in_the_catalogue() {
        assert_eq!(RESIDENT_ID, 0);
        assert_eq!(Kind::BUILTIN[usize::from(ORG_CODE)], Kind::ORG_CODE);
        assert_eq!(Kind::BUILTIN[usize::from(GPS)], Kind::GPS);
    }
}
