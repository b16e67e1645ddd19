/**
 * What expressions of a job may call, by DuckDB's names: functions and macros that give the same for the same arguments, on every
 * machine, and one value for one row. A list of what is allowed, so that a function that a later DuckDB brings is refused until
 * somebody has looked at it. Not on it, though DuckDB calls them consistent: what reads settings, variables or the version.
 */
const NAMES = `
  + - * / // % ** ^ & | << >> ~ || @ !__postfix
  ~~ !~~ ~~* !~~* ~~~ ^@ like_escape not_like_escape ilike_escape not_ilike_escape ->>
  abs add subtract multiply divide mod fmod fdiv sign signbit round round_even roundbankers trunc floor ceil ceiling even
  sqrt cbrt exp ln log log2 log10 pow power gamma lgamma factorial gcd greatest_common_divisor lcm least_common_multiple
  sin cos tan cot asin acos atan atan2 sinh cosh tanh asinh acosh atanh degrees radians pi
  greatest least isnan isinf isfinite nextafter bit_count xor nullif switch
  lower lcase upper ucase trim ltrim rtrim lpad rpad left right length len char_length character_length strlen
  length_grapheme left_grapheme right_grapheme substring_grapheme octet_length bit_length
  substr substring position strpos instr contains starts_with ends_with prefix suffix replace translate reverse repeat
  concat concat_ws split_part split string_split str_split string_to_array string_split_regex str_split_regex
  regexp_matches regexp_full_match regexp_extract regexp_extract_all regexp_replace regexp_escape
  ascii chr unicode ord strip_accents nfc_normalize format printf bin hex unhex to_hex from_hex to_base to_base64 base64
  from_base64 to_binary from_binary md5 sha1 sha256 url_encode url_decode encode decode
  levenshtein editdist3 damerau_levenshtein hamming mismatches jaccard jaro_similarity jaro_winkler_similarity
  date_diff datediff date_sub datesub date_part datepart date_trunc datetrunc date_add time_bucket last_day days_in_month
  year month day hour minute second millisecond microsecond nanosecond quarter week weekofyear yearweek isoyear isodow
  dayofweek weekday dayofmonth dayofyear dayname monthname decade century millennium era julian
  epoch epoch_ms epoch_us epoch_ns make_date make_time make_timestamp make_timestamp_ms make_timestamp_ns make_timestamptz
  to_timestamp strftime strptime try_strptime timezone
  to_years to_months to_weeks to_days to_hours to_minutes to_seconds to_milliseconds to_microseconds to_quarters to_decades
  list_value list_pack array_value list_extract list_element array_extract element_at list_slice array_slice
  list_contains list_has array_contains array_has list_position list_indexof array_position array_indexof
  list_has_any array_has_any list_has_all array_has_all list_concat list_cat array_concat array_cat list_append array_append
  list_prepend array_prepend list_reverse array_reverse list_sort array_sort list_reverse_sort array_reverse_sort
  list_distinct array_distinct list_resize array_resize array_length flatten
  list_sum list_avg list_min list_max list_count list_product list_first list_last list_median list_bool_and list_bool_or
  list_stddev_pop list_stddev_samp list_var_pop list_var_samp array_to_string
  list_distance list_cosine_distance list_cosine_similarity list_inner_product list_dot_product
  array_distance array_cosine_distance array_cosine_similarity array_inner_product array_dot_product
  struct_extract struct_pack row map_extract map_extract_value cardinality map_contains
  json_extract json_extract_string json_value json_array_length json_exists json_valid json_type
`;

/** Lower-case. */
export const ROW_FUNCTIONS: ReadonlySet<string> = new Set(NAMES.split(/\s+/).filter((name) => name !== ''));
