//! The suite that every store passes: what the count is, whatever database keeps it.

use tempfile::TempDir;

use super::{bouncing, erasing, model, operator, posting, presuming, pumping, rotating, slots, witnessing};

/// Makes a test of each behaviour, in a module named after the store.
macro_rules! conforms {
    ($store:ident, $place:ty) => {
        mod $store {
            use super::*;

            conforms!(@each $place,
                bouncing::whatever_the_order_who_got_a_mail_counts_once_and_nobody_else_does,
                bouncing::a_bounce_takes_its_credit_back_once,
                bouncing::a_bounce_that_comes_before_its_acceptance_waits_for_it,
                bouncing::under_absorb_the_slot_stays_and_the_next_one_comes_later,
                bouncing::under_clawback_a_slot_that_is_not_carried_any_more_is_voided_and_not_told_of,
                bouncing::a_slot_voided_after_its_mail_was_gathered_is_not_told_of_and_those_beside_it_are_once,
                model::the_store_equals_the_model,
                posting::the_tenth_credit_grants_once_whatever_is_replayed_afterwards,
                posting::companies_count_the_same_person_apart,
                posting::a_notice_keeps_its_slots_and_is_due_until_it_is_taken_once,
                posting::rows_without_agreed_terms_wait_whole_and_count_once_agreed,
                posting::a_row_made_with_an_unknown_key_is_not_posted,
                posting::used_terms_and_keys_cannot_be_changed_and_the_difference_is_named,
                posting::a_statement_opens_where_the_one_before_it_closed,
                posting::many_askers_at_once_count_as_one_after_another,
                presuming::the_ledger_equals_the_model_over_replays_and_restarts,
                presuming::a_quiet_week_on_a_proven_path_counts_once_whatever_is_replayed,
                presuming::only_a_tagged_mail_counts_and_only_on_the_route_of_the_probe,
                presuming::a_bounce_in_the_quiet_days_keeps_the_credit_away_and_a_later_one_takes_it_back,
                presuming::another_mail_to_the_same_person_that_does_not_come_back_counts_in_its_turn,
                pumping::what_is_in_the_outbox_is_in_the_ledger_after_a_flush,
                pumping::a_mark_that_fails_counts_nothing_twice,
                pumping::an_outbox_that_began_anew_is_read_from_its_beginning,
                pumping::a_ledger_from_an_older_copy_gets_the_rows_again,
                slots::a_slot_is_reserved_confirmed_introduced_and_redeemed_each_by_an_entry,
                slots::what_does_not_follow_is_refused_with_words_and_writes_nothing,
                slots::a_slot_in_review_is_not_redeemed_yet,
                slots::no_more_are_reserved_in_a_quarter_than_the_contract_says,
                slots::the_clock_ends_reservations_and_free_slots_that_are_over,
                slots::a_deed_that_does_not_follow_behind_what_the_clock_does_writes_nothing_of_either,
                slots::under_clawback_a_slot_in_use_stays,
                slots::a_dry_run_tells_what_would_be_and_writes_nothing,
                operator::a_list_in_any_order_parts_and_number_of_times_comes_to_the_same,
                operator::a_registration_makes_no_credit_where_mail_does_and_bounces_take_none_where_registrations_do,
                operator::totals_are_kept_once_and_the_newest_holds,
                operator::what_was_reported_up_to_an_entry_and_a_total_stays_as_it_was,
                operator::a_credit_is_given_back_once_and_the_person_counts_no_second_time_in_the_window,
                operator::a_credit_that_bounced_cannot_be_given_back_and_one_of_an_earlier_window_can,
                operator::what_is_taken_voids_free_slots_under_clawback_and_delays_the_next_under_absorb,
                operator::credits_are_adjusted_by_an_accepted_dispute_alone,
                operator::a_dry_run_of_an_import_tells_what_would_be_and_writes_nothing,
                rotating::one_person_under_two_keys_counts_once_in_the_window_and_again_after_it,
                rotating::the_same_mail_posted_again_adds_nothing_whatever_key_its_person_is_kept_under,
                rotating::a_bounce_finds_its_mail_by_the_key_of_the_mail_also_when_it_comes_first,
                rotating::a_trace_by_every_key_tells_the_whole_story_once,
                rotating::another_key_under_a_known_number_is_refused_with_what_it_means,
                witnessing::a_company_that_is_gone_and_a_head_of_another_are_named,
                witnessing::the_name_stays_through_a_reopening_and_two_ledgers_have_two,
                witnessing::terms_are_agreed_from_the_signature_on_and_a_month_that_was_printed_stays_unsigned,
                erasing::an_erased_person_leaves_the_chain_whole_and_every_credit_as_it_was,
                erasing::whoever_was_erased_counts_no_second_time_in_the_window_and_does_behind_it,
                erasing::a_dry_run_and_a_reason_that_cannot_be_kept_erase_nobody,
                erasing::a_batch_is_small_and_the_next_one_goes_on_behind_it,
                erasing::what_was_observed_stays_apart_verifies_and_carries_the_credit_only_where_it_counts,
                erasing::what_was_told_of_an_erased_person_and_a_credit_given_back_before_or_behind_it_verify,
            );
        }
    };
    (@each $place:ty, $($module:ident :: $name:ident,)*) => {
        $(
            #[test]
            fn $name() {
                $module::$name::<$place>();
            }
        )*
    };
}

conforms!(sqlite, TempDir);
