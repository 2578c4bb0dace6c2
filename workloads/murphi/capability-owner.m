-- What must hold in capability/owner beyond what the family promises.

-- @rules

function owns(n: node_t; s: slot_t): boolean;
begin
  return at[n][s].state = s_own_SOLE | at[n][s].state = s_own_OWNED | at[n][s].state = s_own_LENDING |
    at[n][s].state = s_own_MARKING | at[n][s].state = s_own_COMMITTING | at[n][s].state = s_own_SWEEPING |
    at[n][s].state = s_own_CLEANING | at[n][s].state = s_own_FINDING | at[n][s].state = s_own_KNOWN |
    at[n][s].state = s_own_UPDATING | at[n][s].state = s_own_HEIR | at[n][s].state = s_own_WON;
end;

-- A record of the object of that name.
function is_record(n: node_t; s: slot_t; name: ref_t): boolean;
begin
  return slot_machine(s) = m_own & at[n][s].state != 0 & at[n][s].ref[f_own_name] = name;
end;

function count_records(name: ref_t; owners: boolean): 0..255;
var count: 0..255;
begin
  count := 0;
  for n: node_t do for s: slot_t do
    if is_record(n, s, name) then
      if !owners | owns(n, s) then count := count + 1; end;
    end;
  end; end;
  return count;
end;

-- r is the record of an owner of that object.
function is_owner(r, name: ref_t): boolean;
begin
  if !is_live(r) then return false; end;
  if !is_record(node_of(r), kind_of(r) - K_SLOT, name) then return false; end;
  return owns(node_of(r), kind_of(r) - K_SLOT);
end;

-- Every member of a record is a usable capability of its object that knows the record.
function has_right_members(n: node_t; s: slot_t): boolean;
var r: ref_t;
begin
  for i: link_t do
    if i < at[n][s].list[l_own_members].count then
      r := at[n][s].list[l_own_members].link[i].ref;
      if !is_live(r) | machine_of(r) != m_cap | node_of(r) != n then return false; end;
      if at[n][kind_of(r) - K_SLOT].state != s_cap_LIVE |
         at[n][kind_of(r) - K_SLOT].ref[f_cap_object] != at[n][s].ref[f_own_name] |
         at[n][kind_of(r) - K_SLOT].ref[f_cap_own] != slot_ref(n, s) then
        return false;
      end;
    end;
  end;
  return at[n][s].list[l_own_members].count > 0;
end;

function knows_owner(n: node_t; s: slot_t): boolean;
begin
  return count_records(at[n][s].ref[f_own_name], true) = 1 &
    (owns(n, s) | is_owner(at[n][s].ref[f_own_owner], at[n][s].ref[f_own_name]));
end;

invariant "I1: no two kernels own an object"
  forall n: node_t do forall s: slot_t do
    slot_machine(s) != m_own | at[n][s].state = 0 | count_records(at[n][s].ref[f_own_name], true) <= 1 end end;

invariant "I2: at rest, every object has an owner, and every record knows it"
  (forall n: node_t do forall s: slot_t do
    slot_machine(s) != m_own | at[n][s].state = 0 | knows_owner(n, s) end end) | !resting;

invariant "I3: at rest, an owner that thinks that nobody else has a record is right"
  (forall n: node_t do forall s: slot_t do
    slot_machine(s) != m_own | at[n][s].state != s_own_SOLE |
    count_records(at[n][s].ref[f_own_name], false) = 1 end end) | !resting;

invariant "I4: at rest, a record's capabilities are usable and of its object, and it has one"
  (forall n: node_t do forall s: slot_t do
    slot_machine(s) != m_own | at[n][s].state = 0 | has_right_members(n, s) end end) | !resting;
