-- What PostgreSQL needs for the records of two of the demo nation's databases: the tables
-- as a programmer would declare them, with the key and the person's number indexed; then
-- also what a search by toneless, misspelt name with a date needs. psql runs it in the
-- folder of the demo nation.
\set ON_ERROR_STOP on
\set QUIET on
CREATE EXTENSION pg_trgm;
CREATE EXTENSION unaccent;
CREATE FUNCTION fold(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT lower(unaccent('unaccent'::regdictionary, $1)) $$;
CREATE TABLE population (ma_ho_so text, so_dinh_danh text, so_cmnd text, ho_chu_dem_ten text,
  ten_goi_khac text, ngay_sinh text, gioi_tinh text, noi_sinh text, que_quan text, dan_toc text,
  ton_giao text, quoc_tich text, nhom_mau text, hon_nhan text, thuong_tru text,
  noi_o_hien_tai text, ho_ten_cha text, so_dd_cha text, ho_ten_me text, so_dd_me text,
  ho_ten_vo_chong text, so_dd_vo_chong text, trang_thai text, ngay_chet text,
  ngay_cap_nhat text);
CREATE TABLE social_insurance (ma_so_bhxh text, ho_ten text, ngay_sinh text, gioi_tinh text,
  so_cccd text, dia_chi text, dien_thoai text, ma_don_vi text, ten_don_vi text, chuc_danh text,
  muc_luong text, trang_thai text, ngay_cap_nhat text);
\copy population FROM 'population.csv' WITH (FORMAT csv, HEADER)
\copy social_insurance FROM 'social_insurance.csv' WITH (FORMAT csv, HEADER)
CREATE INDEX ON population (ma_ho_so);
CREATE INDEX ON population (so_dinh_danh);
CREATE INDEX ON social_insurance (ma_so_bhxh);
CREATE INDEX ON social_insurance (so_cccd);
VACUUM (FREEZE, ANALYZE) population, social_insurance;
CREATE VIEW size AS SELECT
  sum(pg_total_relation_size(c.oid)) AS bytes,
  (SELECT count(*) FROM population) + (SELECT count(*) FROM social_insurance) AS records,
  (SELECT count(*) FROM population) AS people
  FROM pg_class c WHERE c.relname IN ('population', 'social_insurance');
\pset format unaligned
\pset tuples_only on
\pset fieldsep ' '
SELECT 'postgres_records', records, 'records' FROM size;
SELECT 'postgres_two_indexes', round(bytes::numeric / records, 1), 'bytes/record' FROM size;
CREATE INDEX ON population USING gin (fold(ho_chu_dem_ten) gin_trgm_ops);
CREATE INDEX ON population (fold(ho_chu_dem_ten), ngay_sinh);
CREATE INDEX ON population (ngay_sinh);
CREATE INDEX ON social_insurance USING gin (fold(ho_ten) gin_trgm_ops);
CREATE INDEX ON social_insurance (fold(ho_ten), ngay_sinh);
CREATE INDEX ON social_insurance (ngay_sinh);
SELECT 'postgres_search_indexes', round(bytes::numeric / records, 1), 'bytes/record' FROM size;
