# Adds up the closing lines of cargo test, pytest and Node's test runner; prints "PASSED FAILED".
/^test result: / {
    for (i = 2; i <= NF; i++) {
        if ($i == "passed;") passed += $(i - 1)
        if ($i == "failed;") failed += $(i - 1)
    }
    next
}
/^(ℹ|#) pass [0-9]+$/ { passed += $3 }
/^(ℹ|#) (fail|cancelled) [0-9]+$/ { failed += $3 }
/ in [0-9.]+s/ && /^=* ?[0-9]+ (passed|failed|errors?|skipped)/ {
    for (i = 2; i <= NF; i++) {
        if ($i ~ /^passed,?$/) passed += $(i - 1)
        if ($i ~ /^(failed|errors?),?$/) failed += $(i - 1)
    }
}
END { print passed + 0, failed + 0 }
