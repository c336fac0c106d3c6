using Handwritten.Server.Access;
using Xunit;

namespace Handwritten.Server.Tests.Access;

public sealed class RequestRateTests
{
    [Fact]
    public void Clients_with_a_limit_are_counted_each_and_those_without_leave_nothing_behind()
    {
        Assert.NotEqual(RequestRates.Partition("10.0.0.1", 60).PartitionKey, RequestRates.Partition("10.0.0.2", 60).PartitionKey);
        Assert.NotEqual(RequestRates.Partition("10.0.0.1", 60).PartitionKey, RequestRates.Partition("10.0.0.1", 30).PartitionKey);
        Assert.Equal(RequestRates.Partition("10.0.0.1", null).PartitionKey, RequestRates.Partition("10.0.0.2", null).PartitionKey);
    }
}
