# The words of a test file: test, assert_..., wait_for_condition.

namespace eval tally {
    variable passed 0
    variable failed 0
    variable only ""
}

# One test. It passes if its body comes to its end, or ends by "return": an
# error, whatever it says, and a "break" or "continue" that no loop takes fail.
proc test {name body} {
    if {$tally::only ne "" && ![string match -nocase $tally::only $name]} {
        return
    }
    set start [clock milliseconds]
    set code [catch {uplevel 1 $body} message options]
    set took [expr {[clock milliseconds] - $start}]
    if {$code == 0 || ($code == 2 && [dict get $options -code] == 0)} {
        incr tally::passed
        puts "\[ok\]  $name ($took ms)"
    } else {
        incr tally::failed
        puts "\[err\] $name ($took ms)"
        test_failure $code $message $options
    }
    flush stdout
}

# What went wrong, and where.
proc test_failure {code message options} {
    if {$code == 3 || $code == 4} {
        set message "the body ended by [lindex {break continue} $code-3]"
    }
    puts "      [string range $message 0 1500]"
    if {![dict exists $options -errorinfo]} return
    foreach line [lrange [split [dict get $options -errorinfo] \n] 1 12] {
        puts "      | [string range $line 0 160]"
    }
}

proc note {text} {
    puts "      $text"
    flush stdout
}

proc shorten {value} {
    if {[string length $value] > 300} {
        return "[string range $value 0 299]... ([string length $value])"
    }
    return $value
}

proc assert {condition {why ""}} {
    if {![uplevel 1 [list expr $condition]]} {
        set shown [uplevel 1 [list subst -nocommands $condition]]
        error "assert $condition, that is: [shorten $shown] $why"
    }
}

proc assert_equal {expected actual {why ""}} {
    if {$expected ne $actual} {
        error "expected '[shorten $expected]', got '[shorten $actual]' $why"
    }
}

proc assert_match {pattern actual {why ""}} {
    if {![string match $pattern $actual]} {
        error "'[shorten $actual]' does not match '$pattern' $why"
    }
}

# The code fails, with a message like this.
proc assert_error {pattern code} {
    if {![catch {uplevel 1 $code} message]} {
        error "no error, but '[shorten $message]'; wanted '$pattern'"
    }
    assert_match $pattern $message
}

# Tries a condition every few ms, for at most timeout_ms; then runs else_code.
proc wait_for_condition {timeout_ms condition {else_code ""}} {
    set end [expr {[clock milliseconds] + $timeout_ms}]
    while 1 {
        if {![catch {uplevel 1 [list expr $condition]} result] && $result} {
            return
        }
        if {[clock milliseconds] >= $end} break
        pause 10
    }
    if {$else_code ne ""} {
        uplevel 1 $else_code
    }
    error "not within $timeout_ms ms: $condition (last: $result)"
}

# Waits without stopping the event loop.
proc pause {ms} {
    set ::pause_over 0
    after $ms {set ::pause_over 1}
    vwait ::pause_over
}
