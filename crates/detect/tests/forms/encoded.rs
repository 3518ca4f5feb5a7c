//! Values behind an encoding: percent signs, entities, escapes, base64 one level deep.

use liuhen_kinds::Kind;

use super::carriers::{base64, base64_url, json_ascii, percent};
use super::rows::{Row, row};
use super::table::{ID, MOBILE};

/// The texts; what base64 holds is found where the whole token stands.
pub(crate) fn encoded() -> Vec<Row> {
    let inner = format!("{{\"mobile\":\"{MOBILE}\"}}");
    let basic = base64(format!("user:{MOBILE}").as_bytes());
    let person = base64(format!("姓名=某人&身份证号={ID}").as_bytes());
    let payload = base64_url(inner.as_bytes());
    let header = base64_url(b"{\"alg\":\"none\"}");
    let jwt = format!("{header}.{payload}.c2ln");
    let wrapped = base64(inner.as_bytes());
    let plate = json_ascii("京A12345");
    let wide = json_ascii("１３８００１３８０００");
    let all_percent: String = MOBILE.bytes().map(|b| format!("%{b:02X}")).collect();
    let name_zh = json_ascii("手机号");
    vec![
        row(
            "basic authorisation",
            &format!("Authorization: Basic {basic}\r\n"),
            Kind::MOBILE,
            &basic,
            0.5,
        ),
        row(
            "base64 in JSON",
            &format!("{{\"data\":\"{wrapped}\"}}"),
            Kind::MOBILE,
            &wrapped,
            0.5,
        ),
        row(
            "base64 in a URL",
            &format!("https://example.com/?d={}&v=1", percent(&wrapped)),
            Kind::MOBILE,
            &percent(&wrapped),
            0.5,
        ),
        row(
            "base64 touches Chinese",
            &format!("密文{person}结束"),
            Kind::RESIDENT_ID,
            &person,
            0.5,
        ),
        row(
            "base64 of a bare number",
            &format!("token {} end", base64(ID.as_bytes())),
            Kind::RESIDENT_ID,
            &base64(ID.as_bytes()),
            0.5,
        ),
        row(
            "payload of a web token",
            &format!("Bearer {jwt}"),
            Kind::MOBILE,
            &payload,
            0.5,
        ),
        row(
            "base64 for the web",
            &format!("cookie: s={payload}; path=/"),
            Kind::MOBILE,
            &payload,
            0.5,
        ),
        row(
            "plus for space in a URL",
            "https://example.com/?mobile=138+0013+8000&x=1",
            Kind::MOBILE,
            "138+0013+8000",
            0.7,
        ),
        row(
            "e-mail in a URL",
            "https://example.com/?email=zhang%40example.com&x=1",
            Kind::EMAIL,
            "zhang%40example.com",
            0.8,
        ),
        row(
            "lower-case escapes",
            "https://example.com/?email=zhang%40example%2ecom",
            Kind::EMAIL,
            "zhang%40example%2ecom",
            0.8,
        ),
        row(
            "every digit escaped",
            &format!("https://example.com/?mobile={all_percent}"),
            Kind::MOBILE,
            &all_percent,
            0.5,
        ),
        row(
            "Chinese label escaped",
            &format!("https://example.com/?{}={MOBILE}", percent("手机号")),
            Kind::MOBILE,
            MOBILE,
            0.8,
        ),
        row(
            "plate in a URL",
            &format!("https://example.com/?plate={}", percent("京A12345")),
            Kind::PLATE,
            &percent("京A12345"),
            0.8,
        ),
        row(
            "plus sign escaped",
            "tel=%2B8613800138000&x=1",
            Kind::MOBILE,
            "%2B8613800138000",
            0.8,
        ),
        row(
            "path of a URL",
            "https://example.com/users/13800138000/orders",
            Kind::MOBILE,
            MOBILE,
            0.5,
        ),
        row(
            "fragment of a URL",
            "https://example.com/#440308199901101512",
            Kind::RESIDENT_ID,
            ID,
            0.8,
        ),
        row(
            "plate in JSON, ASCII only",
            &format!("{{\"plate_no\":\"{plate}\"}}"),
            Kind::PLATE,
            &plate,
            0.7,
        ),
        row(
            "full width in JSON, ASCII only",
            &format!("{{\"mobile\":\"{wide}\"}}"),
            Kind::MOBILE,
            &wide,
            0.5,
        ),
        row(
            "label in JSON, ASCII only",
            &format!("{{\"{name_zh}\":\"{MOBILE}\"}}"),
            Kind::MOBILE,
            MOBILE,
            0.8,
        ),
        row(
            "number in JSON",
            "{\"mobile\":13800138000,\"n\":1}",
            Kind::MOBILE,
            MOBILE,
            0.8,
        ),
        row(
            "JSON inside a string",
            "{\"body\":\"{\\\"mobile\\\":\\\"13800138000\\\"}\"}",
            Kind::MOBILE,
            MOBILE,
            0.8,
        ),
        row(
            "after an escaped line break",
            "{\"s\":\"电话\\n13800138000\\n完\"}",
            Kind::MOBILE,
            MOBILE,
            0.8,
        ),
        row(
            "entity for the at sign",
            "<p>zhang&#64;example.com</p>",
            Kind::EMAIL,
            "zhang&#64;example.com",
            0.5,
        ),
        row(
            "entities for spaces",
            "<p>手机：138&nbsp;0013&nbsp;8000</p>",
            Kind::MOBILE,
            "138&nbsp;0013&nbsp;8000",
            0.5,
        ),
        row(
            "CDATA",
            "<![CDATA[手机号：13800138000]]>",
            Kind::MOBILE,
            MOBILE,
            0.8,
        ),
    ]
}
