//! `/v1/kinds`, `/v1/collections`: what there is to choose from.

use axum::extract::State;
use liuhen_service as inner;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{all, kind_name};
use crate::auth::Authenticated;
use crate::error::Problem;
use crate::extract::Json;
use crate::state::AppState;

/// A kind of personal information.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct KindEntry {
    /// Stable name.
    #[schema(example = "resident_id")]
    pub name: String,
    /// In Chinese.
    pub label_zh: String,
    /// In English.
    pub label_en: String,
    /// Protection level: 1 low to 4 very high.
    pub level: i64,
}

/// A collection and its fields.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Collection {
    /// Its name.
    pub name: String,
    /// Its fields.
    pub fields: Vec<CollectionField>,
}

/// A field of a collection.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CollectionField {
    /// Its name.
    pub name: String,
    /// The kind it holds.
    pub kind: Option<String>,
}

/// `GET /v1/kinds`.
#[utoipa::path(get, path = "/v1/kinds", tag = "imports",
    responses((status = 200, body = Vec<KindEntry>), (status = "4XX", body = Problem)))]
pub(crate) async fn kinds(
    State(state): State<AppState>,
    _signed_in: Authenticated,
) -> Json<Vec<KindEntry>> {
    Json(all(state.service().kinds()))
}

/// `GET /v1/collections`.
#[utoipa::path(get, path = "/v1/collections", tag = "imports",
    responses((status = 200, body = Vec<Collection>), (status = "4XX", body = Problem)))]
pub(crate) async fn collections(
    State(state): State<AppState>,
    _signed_in: Authenticated,
) -> Json<Vec<Collection>> {
    Json(all(state.service().collections()))
}

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(kinds))
        .routes(routes!(collections))
}

impl From<inner::KindView> for KindEntry {
    fn from(kind: inner::KindView) -> Self {
        Self {
            name: kind.name.name().to_owned(),
            label_zh: kind.label_zh,
            label_en: kind.label_en,
            level: kind.level,
        }
    }
}

impl From<inner::CollectionView> for Collection {
    fn from(collection: inner::CollectionView) -> Self {
        Self {
            name: collection.name,
            fields: all(collection.fields),
        }
    }
}

impl From<inner::FieldView> for CollectionField {
    fn from(field: inner::FieldView) -> Self {
        Self {
            name: field.name,
            kind: kind_name(field.kind),
        }
    }
}
