-- The clients of the family "capability", and what every protocol of it must keep: what include/skerry/capability.h says of
-- the checker's model, written down a second time.
--
-- Any client may at any time do any call that the tables serve, with its own capabilities, usable or not any more, and
-- obtain any usable one. shadow: who derived what from whom, by the results of calls alone. mark: of a call in flight, what
-- happened to its source when that had no record any more.

const
  OK: 0;
  -- Marks.
  UNSEEN: 0;
  SEEN: 1;
  CONDEMNED: 2;  -- its source fell to a revoke that has not returned
  FALLEN: 3;     -- that has returned
  BEGAN_DEAD: 4; -- the capability was dead when the call began
  LOOSE: 5;      -- nobody knew its source when it began, or that has moved
  -- Words.
  WRITE: 1;
  READ_WRITE: 3;
  READ_BADGED: 18;
  BADGE: 16;
  -- Searches in which several words are explored, and memory is followed.
  JUDGED_WORDS: 8;
  JUDGED_MEMORY: 16;

type
  cap_t: 0..SLOTS_cap - 1;
  mark_t: 0..LOOSE;
  record_t: record
    self: ref_t;    -- the capability; nobody: there is no record
    source: ref_t;  -- what it was derived from
    doom, doom2: ref_t; -- clients whose revoke is to reach it
    revoker: ref_t; -- the client whose revoke of it runs
    held: word_t;
    dead, revoked, retyped, arrived, maybe, kin: boolean;
  end;

var
  shadow: array [node_t] of array [cap_t] of record_t;
  mark: array [node_t] of mark_t;

-- ---- capabilities and their records ----

function is_cap(r: ref_t): boolean;
begin
  return (is_slot(r) | is_stale(r)) & (kind_of(r) - K_SLOT) % SLOTS < SLOTS_cap;
end;
function cap_of(r: ref_t): cap_t; begin return (kind_of(r) - K_SLOT) % SLOTS; end;

function has_record(r: ref_t): boolean;
begin
  if !is_cap(r) then return false; end;
  return shadow[node_of(r)][cap_of(r)].self = r;
end;
function is_held(r: ref_t): boolean;
begin
  if !has_record(r) then return false; end;
  return !shadow[node_of(r)][cap_of(r)].dead;
end;

-- What the capability of a record was derived from, or nobody.
function above(r: ref_t): ref_t;
begin
  if !has_record(r) then return NOBODY; end;
  return shadow[node_of(r)][cap_of(r)].source;
end;

function derives(r, top: ref_t): boolean;
var up: ref_t;
begin
  up := above(r);
  for depth := 0 to NODES * SLOTS_cap do
    if up = NOBODY then return false; end;
    if up = top then return has_record(top); end;
    up := above(up);
  end;
  return false;
end;

-- Rights are four bits; what is above them is a badge.
function has_rights(word, asked: word_t): boolean;
var w, a: word_t;
begin
  w := word % 16;
  a := asked % 16;
  for bit := 0 to 3 do
    if a % 2 = 1 & w % 2 = 0 then return false; end;
    a := a / 2;
    w := w / 2;
  end;
  return true;
end;
function explains(word, derived: word_t): boolean;
begin
  return has_rights(word, derived) & (word / BADGE = 0 | word / BADGE = derived / BADGE);
end;

-- ---- calls in flight ----

function makes_one(event: event_t): boolean;
begin
  return event = e_C_OBTAIN | event = e_C_DELEGATE | event = e_C_COPY | event = e_C_MINT | event = e_C_MOVE |
    event = e_C_RETYPE;
end;
function may_be_made(): boolean;
begin
  return exists n: node_t do makes_one(flight[n][0].event) | flight[n][0].event = e_C_CREATE end;
end;
function revokes(): 0..NODES;
var count: 0..NODES;
begin
  count := 0;
  for n: node_t do if flight[n][0].event = e_C_REVOKE then count := count + 1; end; end;
  return count;
end;

-- A call of somebody else may make the capability unusable, for a while or for good.
function is_disturbed(cap, client: ref_t): boolean;
begin
  return exists n: node_t do flight[n][0].event != 0 & flight[n][0].src != client & flight[n][0].arg = cap &
    (flight[n][0].event = e_C_MOVE | flight[n][0].event = e_C_DELETE | flight[n][0].event = e_C_REVOKE |
     flight[n][0].event = e_C_RETIRE) end;
end;

-- Not even a call in flight explains that it can be used.
function is_dead(cap: ref_t): boolean;
begin
  return !is_held(cap) & !(!has_record(cap) & is_cap(cap) & is_live(cap) & may_be_made());
end;

-- ---- what a call's end says ----

procedure doom_one(b: node_t; i: cap_t; client: ref_t);
begin
  if shadow[b][i].doom = NOBODY then
    shadow[b][i].doom := client;
  elsif shadow[b][i].doom2 = NOBODY & shadow[b][i].doom != client then
    shadow[b][i].doom2 := client;
  end;
end;

procedure condemn(client, top: ref_t);
begin
  if has_record(top) then
    if shadow[node_of(top)][cap_of(top)].revoker = NOBODY then
      shadow[node_of(top)][cap_of(top)].revoker := client;
    end;
    for n: node_t do
      if USE_TELLS = 1 & makes_one(flight[n][0].event) & mark[n] <= SEEN & flight[n][0].arg = top then
        mark[n] := LOOSE;
      end;
    end;
    for b: node_t do for i: cap_t do
      if shadow[b][i].self != NOBODY & derives(shadow[b][i].self, top) then
        doom_one(b, i, client);
      end;
    end; end;
  end;
end;

-- Another client may revoke the same capability: what is made from now on, that one may reach.
function next_revoker(cap, client: ref_t): ref_t;
begin
  for n: node_t do
    if flight[n][0].event = e_C_REVOKE & flight[n][0].arg = cap & flight[n][0].src != client then
      return flight[n][0].src;
    end;
  end;
  return NOBODY;
end;

procedure has_revoked(client: ref_t; done: boolean);
var first, second: boolean;
begin
  for b: node_t do for i: cap_t do
    first := shadow[b][i].doom = client;
    second := shadow[b][i].doom2 = client;
    if first then
      shadow[b][i].doom := shadow[b][i].doom2;
      shadow[b][i].doom2 := NOBODY;
    elsif second then
      shadow[b][i].doom2 := NOBODY;
    end;
    if done & (first | second) then
      shadow[b][i].dead := true;
      shadow[b][i].revoked := true;
      shadow[b][i].doom := NOBODY;
      shadow[b][i].doom2 := NOBODY;
    end;
    if shadow[b][i].revoker = client then
      shadow[b][i].revoker := next_revoker(shadow[b][i].self, client);
    end;
  end; end;
  -- Where another revoke runs, which of the two a call's source fell to is not known.
  if revokes() = 1 then
    for n: node_t do
      if flight[n][0].event != 0 & mark[n] = CONDEMNED then mark[n] := done ? FALLEN : SEEN; end;
    end;
  end;
end;

procedure has_moved(cap: ref_t);
begin
  shadow[node_of(cap)][cap_of(cap)].dead := true;
  for b: node_t do for i: cap_t do
    if KIN_STAYS = 0 & shadow[b][i].self != NOBODY & derives(shadow[b][i].self, cap) then shadow[b][i].kin := true; end;
  end; end;
  for n: node_t do
    if makes_one(flight[n][0].event) & mark[n] = SEEN & flight[n][0].arg = cap then mark[n] := LOOSE; end;
  end;
end;

function is_being_revoked(cap: ref_t): boolean;
var up: ref_t;
begin
  up := cap;
  for depth := 0 to NODES * SLOTS_cap do
    if !has_record(up) then return false; end;
    if shadow[node_of(up)][cap_of(up)].revoker != NOBODY | shadow[node_of(up)][cap_of(up)].maybe then return true; end;
    up := above(up);
  end;
  return false;
end;

-- What was derived from a condemned capability is condemned as well.
procedure inherit(b: node_t; i: cap_t; source: ref_t; how: mark_t);
begin
  if has_record(source) then
    shadow[b][i].doom := shadow[node_of(source)][cap_of(source)].doom;
    shadow[b][i].doom2 := shadow[node_of(source)][cap_of(source)].doom2;
    if shadow[node_of(source)][cap_of(source)].kin then shadow[b][i].kin := true; end;
    if shadow[node_of(source)][cap_of(source)].revoked then
      shadow[b][i].dead := true;
      shadow[b][i].revoked := true;
    end;
  end;
  if how = CONDEMNED & revokes() = 1 then -- beside what its ancestor has: that revoke may fail, and another not
    for n: node_t do
      if flight[n][0].event = e_C_REVOKE then doom_one(b, i, flight[n][0].src); end;
    end;
  elsif how = CONDEMNED then -- by one of several: nobody knows which of them it waits for
    if USE_TELLS = 1 then shadow[b][i].kin := true; else shadow[b][i].maybe := true; end;
  elsif how = FALLEN then
    shadow[b][i].dead := true;
    shadow[b][i].revoked := true;
  end;
end;

function first_of(cap: ref_t): ref_t;
var top: ref_t;
begin
  top := cap;
  for depth := 0 to NODES * SLOTS_cap do
    if has_record(above(top)) then top := above(top); end;
  end;
  return top;
end;

procedure check_exclusive(cap, source: ref_t);
begin
  for b: node_t do for i: cap_t do
    if shadow[b][i].self != cap & is_held(shadow[b][i].self) & shadow[b][i].retyped & shadow[b][i].source != above(cap) &
       first_of(shadow[b][i].self) = first_of(source) then
      error "exclusive: memory is retyped through two of its capabilities";
    end;
  end; end;
end;

procedure made(call: msg_t; how: mark_t; cap: ref_t);
var b: node_t; i: cap_t; word: word_t; source: ref_t; known: boolean;
begin
  source := call.arg;
  known := has_record(source);
  if machine_of(cap) != m_cap then error "a call returns what is no capability"; end;
  if has_record(cap) then error "a call returns a capability that another call has made"; end;
  if call.event = e_C_MOVE & known then has_moved(source); end;
  if is_live(cap) then
    b := node_of(cap);
    i := cap_of(cap);
    word := at[b][i].word[w_cap_word];
    clear shadow[b][i];
    shadow[b][i].self := cap;
    if known then shadow[b][i].source := source; end;
    shadow[b][i].held := word;
    inherit(b, i, source, how);
    if call.event = e_C_RETYPE & JUDGED = JUDGED_MEMORY then shadow[b][i].retyped := true; end;
    if how != CONDEMNED & how != FALLEN & is_being_revoked(source) then -- those are reached for certain
      if USE_TELLS = 1 then shadow[b][i].kin := true; else shadow[b][i].maybe := true; end;
    end;
    if how = LOOSE then shadow[b][i].kin := true; end;
    if known then
      if JUDGES_rights = 1 & call.event != e_C_RETYPE & !explains(shadow[node_of(source)][cap_of(source)].held, word) then
        error "rights: a derived capability has a right or a badge that its source does not explain";
      end;
    end;
    if JUDGES_rights = 1 & call.event = e_C_MINT &
       (!has_rights(call.word, word) | (call.word / BADGE != 0 & word / BADGE = 0)) then
      error "rights: a minted capability has a right that was not asked for, or lacks the badge";
    end;
    if JUDGES_rights = 1 & call.event = e_C_RETYPE & word != call.word then
      error "rights: retyped memory has another word than was asked for";
    end;
    if known & shadow[b][i].retyped then check_exclusive(cap, source); end;
  end;
end;

procedure used(call: msg_t; how: mark_t; done: boolean);
var may: boolean; b: node_t; i: cap_t;
begin
  may := true;
  if call.event = e_C_USE & has_record(call.arg) then
    may := has_rights(shadow[node_of(call.arg)][cap_of(call.arg)].held, call.word);
  end;
  if done & (how = BEGAN_DEAD | (how = UNSEEN & is_dead(call.arg))) then
    if JUDGES_revoke = 1 then error "revoke: what was revoked or deleted can be used"; end;
  elsif done & !may then
    if JUDGES_rights = 1 then error "rights: a use needs a right that the capability has not"; end;
  elsif !done & may & is_held(call.arg) & JUDGES_selective = 1 then
    b := node_of(call.arg);
    i := cap_of(call.arg);
    if shadow[b][i].arrived & !shadow[b][i].maybe & !shadow[b][i].kin & shadow[b][i].doom = NOBODY &
       !is_disturbed(call.arg, call.src) then
      error "selective: a capability that nobody revoked or deleted cannot be used";
    end;
  end;
end;

-- C_QUERY says which capability was the object's first, as long as that is there to compare.
procedure check_object(cap, object: ref_t);
var first: ref_t;
begin
  if machine_of(object) != m_cap then error "a query returns what is no capability"; end;
  if has_record(cap) then
    first := first_of(cap);
    if at[node_of(first)][cap_of(first)].ref[f_cap_object] = first & object != first then
      error "a query returns another object";
    end;
  end;
end;

-- A name that nobody has, and that no call under way may give to one, is of no use.
procedure check_vain(call: msg_t; how: mark_t; done: boolean);
begin
  if done & JUDGES_revoke = 1 & how = UNSEEN & !has_record(call.arg) & !may_be_made() & !is_live(call.arg) then
    error "a call succeeds with a name that nobody has";
  end;
end;

procedure completed(n: node_t; c: client_t; call: msg_t; result: word_t; arg: ref_t);
var done: boolean; how: mark_t;
begin
  done := result = OK;
  how := mark[n];
  if call.event = e_C_CREATE then
    if done & is_cap(arg) & node_of(arg) = n then
      clear shadow[n][cap_of(arg)];
      shadow[n][cap_of(arg)].self := arg;
      shadow[n][cap_of(arg)].held := call.word;
    end;
  elsif call.event = e_C_REVOKE then
    check_vain(call, how, done);
    if how = UNSEEN then condemn(call.src, call.arg); end; -- it begins and ends in one step
    has_revoked(call.src, done);
  elsif call.event = e_C_DELETE | call.event = e_C_RETIRE then
    if done & has_record(call.arg) then shadow[node_of(call.arg)][cap_of(call.arg)].dead := true; end;
    check_vain(call, how, done);
  elsif call.event = e_C_QUERY | call.event = e_C_USE then
    if done & call.event = e_C_QUERY then check_object(call.arg, arg); end;
    used(call, how, done);
  elsif done then
    made(call, how, arg);
  end;
  mark[n] := UNSEEN;
end;

-- ---- after every step ----

-- A slot has gone: what was derived from it is derived from its source; calls in flight with it learn why it went.
procedure forget(b: node_t; i: cap_t);
var gone: record_t; explained: boolean;
begin
  gone := shadow[b][i];
  explained := gone.dead | gone.maybe | gone.kin | gone.doom != NOBODY | is_disturbed(gone.self, NOBODY);
  for a: node_t do for k: cap_t do
    if shadow[a][k].source = gone.self then shadow[a][k].source := gone.source; end;
  end; end;
  for n: node_t do
    if makes_one(flight[n][0].event) & flight[n][0].arg = gone.self then
      if gone.revoked then
        mark[n] := FALLEN;
      elsif mark[n] != CONDEMNED & mark[n] != FALLEN then
        if gone.doom != NOBODY then
          mark[n] := CONDEMNED;
        else
          mark[n] := gone.kin | mark[n] = LOOSE ? LOOSE : SEEN;
        end;
      end;
      -- What a condemned call makes has its source's source too: its revoke may fail, and one from further up reach it.
      if flight[n][0].event = e_C_MOVE & mark[n] = CONDEMNED then -- what it moves is no more
        flight[n][0].event := e_C_COPY;
        flight[n][0].word := 0;
      end;
      if flight[n][0].event != e_C_MOVE & mark[n] != FALLEN then flight[n][0].arg := gone.source; end;
    end;
  end;
  clear shadow[b][i];
  if !explained & JUDGES_selective = 1 then
    error "selective: a capability is gone that nobody revoked, moved or deleted";
  end;
end;

-- How a new capability is made matters to the protocol, not to what must hold: one record for all ways.
procedure simplify(n: node_t);
begin
  if makes_one(flight[n][0].event) & flight[n][0].event != e_C_MOVE & JUDGED != JUDGED_WORDS & JUDGED != JUDGED_MEMORY then
    flight[n][0].event := e_C_COPY;
    flight[n][0].word := 0;
  end;
end;

procedure see_call(n: node_t);
begin
  mark[n] := SEEN;
  if flight[n][0].event = e_C_REVOKE then condemn(flight[n][0].src, flight[n][0].arg); end;
  if (flight[n][0].event = e_C_USE | flight[n][0].event = e_C_QUERY) & is_dead(flight[n][0].arg) then
    mark[n] := BEGAN_DEAD;
  end;
  if makes_one(flight[n][0].event) & !has_record(flight[n][0].arg) then mark[n] := LOOSE; end;
  simplify(n);
end;

procedure see_usable(b: node_t; i: cap_t; revoking: boolean);
begin
  if shadow[b][i].self != NOBODY then shadow[b][i].arrived := true; end;
  if !revoking then shadow[b][i].maybe := false; end;
  if USE_TELLS = 0 then
    if shadow[b][i].dead & JUDGES_revoke = 1 then
      if shadow[b][i].revoked then
        error "revoke: the revoke has returned and what was derived from its capability is usable";
      end;
      error "revoke: what was deleted or moved is usable";
    end;
    if shadow[b][i].self = NOBODY & JUDGES_confinement = 1 & !may_be_made() then
      error "confinement: a capability is usable that no call has made";
    end;
  end;
end;

procedure after_step(n: node_t);
var revoking: boolean;
begin
  for a: node_t do
    if flight[a][0].event != 0 & mark[a] = UNSEEN then see_call(a); end;
  end;
  for b: node_t do for i: cap_t do
    if shadow[b][i].self != NOBODY & !is_live(shadow[b][i].self) then forget(b, i); end;
  end; end;
  revoking := revokes() > 0;
  for b: node_t do for i: cap_t do
    if USE_TELLS = 1 | is_usable(m_cap, at[b][i].state) then see_usable(b, i, revoking); end;
  end; end;
end;

procedure fade_model(old, fresh: ref_t);
begin
  for b: node_t do for i: cap_t do
    shadow[b][i].self := shadow[b][i].self = old ? fresh : shadow[b][i].self;
    shadow[b][i].source := shadow[b][i].source = old ? fresh : shadow[b][i].source;
  end; end;
end;

-- @rules

-- ---- calls ----

-- Number (event - e_C_OBTAIN, kernel, capability); the kernel is that of the capability for C_OBTAIN, where it goes for
-- C_DELEGATE and C_MOVE, else 0. After C_RETIRE, C_CREATE.
const
  CALLS: 12 * NODES * SLOTS_cap;

-- Where only a use tells, a client does not know that its capability is dead.
function is_callable(b: node_t; i: cap_t): boolean;
begin
  return is_held(slot_ref(b, i)) |
    (USE_TELLS = 1 & shadow[b][i].self != NOBODY & is_usable(m_cap, at[b][i].state));
end;

-- A name that is not usable any more, or not yet: all calls must fail, and harm nobody. One free slot is like another.
function is_vain(n: node_t; i: cap_t): boolean;
begin
  return !is_callable(n, i) & !is_usable(m_cap, at[n][i].state) &
    (at[n][i].state != 0 | (forall k: cap_t do k >= i | at[n][k].state != 0 end));
end;

-- Whether one more may be made: those that are there, and those that calls in flight may make.
function has_room(): boolean;
var records, others, makers: 0..255;
begin
  records := 0;
  others := 0;
  makers := 0;
  for b: node_t do for i: cap_t do
    if shadow[b][i].self != NOBODY then records := records + 1; end;
    if shadow[b][i].self = NOBODY & at[b][i].state != 0 then others := others + 1; end;
  end; end;
  for n: node_t do if makes_one(flight[n][0].event) then makers := makers + 1; end; end;
  return records + (others > makers ? others : makers) < OBJECTS * CAPABILITIES;
end;

function may_call_with(n: node_t; event: event_t; b: node_t; i: cap_t): boolean;
begin
  if event = e_C_OBTAIN then
    return (is_callable(b, i) & has_room()) | (b = n & is_vain(n, i));
  elsif event = e_C_DELEGATE | event = e_C_MOVE then
    return (b != n & is_callable(n, i) & has_room()) | (b = n & is_vain(n, i));
  elsif b != 0 then
    return false;
  elsif is_vain(n, i) then
    return true;
  elsif event = e_C_COPY | event = e_C_MINT | event = e_C_RETYPE then
    return is_callable(n, i) & has_room();
  elsif event = e_C_RETIRE then
    return is_callable(n, i) & shadow[n][i].source = NOBODY;
  end;
  return is_callable(n, i);
end;

function may_call(n: node_t; k: 0..CALLS - 1): boolean;
begin
  if !may_begin(n, 0) then return false; end;
  if k >= 11 * NODES * SLOTS_cap then
    return k = 11 * NODES * SLOTS_cap & is_served(e_C_CREATE) & (forall i: cap_t do at[n][i].state != 0 end);
  end;
  if !is_served(e_C_OBTAIN + k / (NODES * SLOTS_cap)) then return false; end;
  return may_call_with(n, e_C_OBTAIN + k / (NODES * SLOTS_cap), (k / SLOTS_cap) % NODES, k % SLOTS_cap);
end;

function word_of_call(n: node_t; event: event_t; b: node_t; i: cap_t): word_t;
begin
  if event = e_C_DELEGATE | event = e_C_MOVE then return b; end;
  if !is_callable(n, i) then return 0; end;
  if event = e_C_MINT then
    if JUDGED = JUDGED_WORDS & has_rights(shadow[n][i].held, WRITE) then return READ_BADGED; end;
    return READ_WRITE;
  end;
  if event = e_C_RETYPE then return shadow[n][i].held; end;
  if event = e_C_USE then return WRITE; end;
  return 0;
end;

procedure begin_call(n: node_t; k: 0..CALLS - 1);
var event: event_t; b: node_t; i: cap_t;
begin
  if k = 11 * NODES * SLOTS_cap then
    call(n, 0, e_C_CREATE, ref(n, K_NEW_cap), NOBODY, 0);
  else
    event := e_C_OBTAIN + k / (NODES * SLOTS_cap);
    b := (k / SLOTS_cap) % NODES;
    i := k % SLOTS_cap;
    call(n, 0, event, ref(n, K_NEW_op), slot_ref(event = e_C_OBTAIN ? b : n, i), word_of_call(n, event, b, i));
  end;
end;

procedure begin_world();
var m: msg_t;
begin
  clear shadow;
  clear mark;
  for i := 0 to OBJECTS - 1 do
    clear m;
    m.event := e_C_CREATE;
    m.dest := ref(0, K_NEW_cap);
    m.word := READ_WRITE;
    begin_step(m);
    shadow[0][i].self := slot_ref(0, i);
    shadow[0][i].held := READ_WRITE;
  end;
end;

-- ---- at rest ----

function has_derived(cap: ref_t): boolean;
begin
  return exists b: node_t do exists i: cap_t do
    shadow[b][i].self != NOBODY & derives(shadow[b][i].self, cap) end end;
end;

-- Of whom it is not known what it was derived from.
function has_strangers(): boolean;
begin
  return exists b: node_t do exists i: cap_t do
    shadow[b][i].kin | (shadow[b][i].self = NOBODY & at[b][i].state != 0) end end;
end;

function is_reclaimed(): boolean;
begin
  return forall b: node_t do forall i: cap_t do
    at[b][i].state = 0 | is_held(slot_ref(b, i)) |
    (shadow[b][i].self != NOBODY & has_derived(shadow[b][i].self)) end end;
end;

invariant "retire: at rest, a call waits for what was derived, and nothing is"
  (forall n: node_t do
    flight[n][0].event != e_C_RETIRE | !has_record(flight[n][0].arg) | has_derived(flight[n][0].arg) |
    has_strangers() end) | !resting;

invariant "reclaim: at rest, no slot is in use that no client can name"
  JUDGES_reclaim = 0 | is_reclaimed() | !resting;
