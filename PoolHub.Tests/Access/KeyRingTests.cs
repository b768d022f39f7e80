using PoolHub.Daemon.Access;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;
using PoolHub.Tests.Storage;

namespace PoolHub.Tests.Access;

/// <summary>The ring over a real store.</summary>
public sealed class KeyRingTests : IAsyncDisposable
{
    private static readonly TimeSpan s_grace = TimeSpan.FromHours(1);

    private readonly AccessHouse _house = new();

    private KeyRing Ring => _house.Ring;

    public ValueTask DisposeAsync() => _house.DisposeAsync();

    [Fact]
    public async Task Key_that_was_issued_opens_for_its_miner_alone_and_survives_a_restart()
    {
        string key = (await Ring.IssueAsync("m"))!;
        string other = (await Ring.IssueAsync("other"))!;
        Assert.Equal(MinerKeyForm.WellFormed, MinerKey.Check(key));
        await _house.RestartAsync();
        Assert.True(Ring.Verify("m", key));
        Assert.False(Ring.Verify("m", other));
        Assert.False(Ring.Verify("nobody", key));
        Assert.False(Ring.Verify("m", ""));
        Assert.True(Ring.HasKey("m"));
    }

    [Fact]
    public async Task Issue_to_a_miner_that_has_a_key_gives_none()
    {
        string key = (await Ring.IssueAsync("m"))!;
        Assert.Null(await Ring.IssueAsync("m"));
        Assert.True(Ring.Verify("m", key));
    }

    [Fact]
    public async Task Issue_twice_at_once_gives_one_key_that_opens()
    {
        string?[] keys = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Ring.IssueAsync("m")));
        Assert.True(Ring.Verify("m", Assert.Single(keys, key => key is not null)!));
    }

    [Fact]
    public async Task Rotation_keeps_the_key_before_until_the_grace_is_over()
    {
        string first = (await Ring.IssueAsync("m"))!;
        string second = (await Ring.RotateAsync("m", s_grace))!;
        await _house.RestartAsync();
        Assert.True(Ring.Verify("m", first));
        Assert.True(Ring.Verify("m", second));
        _house.Time.Advance(s_grace - TimeSpan.FromMilliseconds(1));
        Assert.True(Ring.Verify("m", first));
        _house.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.False(Ring.Verify("m", first));
        Assert.True(Ring.Verify("m", second));
    }

    [Fact]
    public async Task Rotation_without_a_grace_ends_the_key_before_at_once()
    {
        string first = (await Ring.IssueAsync("m"))!;
        string second = (await Ring.RotateAsync("m", TimeSpan.Zero))!;
        Assert.False(Ring.Verify("m", first));
        Assert.True(Ring.Verify("m", second));
    }

    [Fact]
    public async Task Rotation_twice_keeps_the_last_two_keys()
    {
        string first = (await Ring.IssueAsync("m"))!;
        string second = (await Ring.RotateAsync("m", s_grace))!;
        string third = (await Ring.RotateAsync("m", s_grace))!;
        Assert.Equal([false, true, true], new[] { first, second, third }.Select(key => Ring.Verify("m", key)));
    }

    [Fact]
    public async Task Rotation_of_no_key_gives_none()
    {
        Assert.Null(await Ring.RotateAsync("m", s_grace));
        await Ring.IssueAsync("m");
        await Ring.RevokeAsync("m");
        Assert.Null(await Ring.RotateAsync("m", s_grace));
    }

    [Fact]
    public async Task Revocation_ends_every_key_and_keeps_the_id_from_being_claimed()
    {
        string first = (await Ring.IssueAsync("m"))!;
        string second = (await Ring.RotateAsync("m", s_grace))!;
        Assert.Equal(2, await Ring.RevokeAsync("m"));
        await _house.RestartAsync();
        Assert.False(Ring.Verify("m", first));
        Assert.False(Ring.Verify("m", second));
        Assert.True(Ring.Knows("m"));
        Assert.False(Ring.HasKey("m"));
        Assert.Null(Ring.TryClaim("m", MinerKey.Create()));
        Assert.Equal(0, await Ring.RevokeAsync("m"));
        Assert.True(Ring.Verify("m", (await Ring.IssueAsync("m"))!));
    }

    [Fact]
    public async Task Revocation_counts_a_key_whose_grace_is_over_no_more()
    {
        await Ring.IssueAsync("m");
        await Ring.RotateAsync("m", s_grace);
        _house.Time.Advance(s_grace);
        Assert.Equal(1, await Ring.RevokeAsync("m"));
    }

    [Fact]
    public async Task Revocation_beside_rotations_leaves_no_key_of_before()
    {
        for (int i = 0; i < 20; i++)
        {
            string id = $"m{i}";
            string first = (await Ring.IssueAsync(id))!;
            Task<string?> before = Ring.RotateAsync(id, s_grace);
            Task<int> revoked = Ring.RevokeAsync(id);
            Task<string?> after = Ring.RotateAsync(id, s_grace);
            await Task.WhenAll(before, revoked, after);
            Assert.Equal(2, await revoked);
            Assert.Null(await after);
            Assert.False(Ring.Verify(id, first));
            Assert.False(Ring.Verify(id, (await before)!));
        }
    }

    [Fact]
    public async Task Claim_opens_at_once_and_is_durable_with_the_registration()
    {
        string key = MinerKey.Create();
        StoredKeys claim = Ring.TryClaim("m", key)!;
        Assert.True(Ring.Verify("m", key));
        Assert.Null(Ring.TryClaim("m", MinerKey.Create()));
        await _house.Store.SaveRegistrationAsync("m", StoreSamples.Bare, 1, claim, _house.Time.GetUtcNow());
        await _house.RestartAsync();
        Assert.True(Ring.Verify("m", key));
    }

    [Fact]
    public void Claim_that_is_taken_back_leaves_the_id_free()
    {
        string key = MinerKey.Create();
        StoredKeys claim = Ring.TryClaim("m", key)!;
        Ring.Unclaim("m", claim);
        Assert.False(Ring.Verify("m", key));
        Assert.False(Ring.Knows("m"));
        StoredKeys again = Ring.TryClaim("m", MinerKey.Create())!;
        Ring.Unclaim("m", claim);
        Assert.True(Ring.Knows("m"));
        Assert.NotSame(claim, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("too-short")]
    [InlineData("phk_looks-like-a-key-but-has-lost-its-end")]
    [InlineData("sixteen letters\u0007")]
    public void Claim_with_an_unusable_key_is_refused(string key)
    {
        Assert.Null(Ring.TryClaim("m", key));
        Assert.False(Ring.Knows("m"));
    }

    [Fact]
    public async Task Key_that_is_longer_than_any_opens_nothing()
    {
        await Ring.IssueAsync("m");
        await Ring.IssueAsync("revoked");
        await Ring.RevokeAsync("revoked");
        foreach (string key in new[] { new string('x', 1_000), new string('界', 129), new string('\0', 500) })
        {
            Assert.False(Ring.Verify("m", key));
            Assert.False(Ring.Verify("revoked", key));
            Assert.False(Ring.Verify("nobody", key));
        }
    }

    [Fact]
    public async Task Store_that_takes_no_write_leaves_the_keys_as_they_were()
    {
        string key = (await Ring.IssueAsync("m"))!;
        await _house.Store.DisposeAsync();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => Ring.RotateAsync("m", TimeSpan.Zero));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => Ring.RevokeAsync("m"));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => Ring.IssueAsync("new"));
        Assert.True(Ring.Verify("m", key));
        Assert.False(Ring.Knows("new"));
    }
}
