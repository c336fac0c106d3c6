using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Driver;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Driver;

public sealed class HandleTableTests
{
    private readonly HandleTable _handles = new();

    [Fact]
    public void A_handle_leads_back_to_its_object_until_removed()
    {
        nint handle = _handles.Add("one");
        Assert.Equal("one", _handles.Get<string>(handle));
        Assert.Equal("one", _handles.Remove<string>(handle));
        Assert.Equal(CudaResult.InvalidHandle, Assert.Throws<CudaException>(() => _handles.Get<string>(handle)).Result);
        Assert.Equal(CudaResult.InvalidHandle, Assert.Throws<CudaException>(() => _handles.Remove<string>(handle)).Result);
    }

    [Fact]
    public void A_handle_is_never_given_twice()
    {
        nint first = _handles.Add("one");
        _handles.Remove<string>(first);
        Assert.NotEqual(first, _handles.Add("two"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(-1)]
    [InlineData(0x10011)]
    public void Numbers_that_are_no_handles_are_found_out(int handle)
    {
        _handles.Add("one");
        Assert.Equal(CudaResult.InvalidHandle, Assert.Throws<CudaException>(() => _handles.Get<string>(handle)).Result);
        Assert.Equal(CudaResult.InvalidContext, Assert.Throws<CudaException>(() => _handles.Get<CudaContext>(handle)).Result);
    }

    [Fact]
    public void A_handle_of_something_else_is_found_out()
    {
        nint handle = _handles.Add("one");
        Assert.Equal(CudaResult.InvalidHandle, Assert.Throws<CudaException>(() => _handles.Remove<Version>(handle)).Result);
        Assert.Equal("one", _handles.Get<string>(handle));
    }
}
