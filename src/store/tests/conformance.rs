//! The suite that every store passes: what the count is, whatever database keeps it.

use tempfile::TempDir;

use super::{bouncing, model, posting, presuming, pumping};

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
